"""Regular expressions in filters: what they match, and that none takes long."""

from __future__ import annotations

import time

import pytest

from mogplex_tui.operate.filter_patterns import compile_pattern
from mogplex_tui.operate.filters import compile_filter, pattern_problem

ROW = {"repo": "acme/web", "error": "Timed out after 30 s", "cost": 1.5}


@pytest.mark.parametrize(
    ("text", "is_match"),
    [
        ("repo:~^acme/(web|api)$", True),
        ("repo:~^web", False),
        (r"~out\s+after", True),
        (r"~\D\d\d", True),
        ("!repo:~api", True),
        ('~"out after"', True),
        ("repo:~web error:~OUT", True),
    ],
)
def test_pattern_matches_as_a_term(text: str, is_match: bool) -> None:
    accept = compile_filter(text, lambda row: row)
    assert accept is not None
    assert accept(ROW) is is_match


@pytest.mark.parametrize("text", ["~(", "repo:~[a", "~*", "~(a+)+b", "~(a|a)*b", "~a*a*a*b", r"~(\w)\1"])
def test_pattern_that_is_invalid_or_could_take_long_is_reported_and_hides_no_row(text: str) -> None:
    accept = compile_filter(text, lambda row: row)
    assert accept is not None
    assert accept(ROW)
    assert pattern_problem(text)


@pytest.mark.parametrize("text", ["a*a*b", "(a?){3}a*b", "(a|aa)(a|aa)(a|aa)a*b"])
def test_accepted_pattern_ends_on_a_text_that_it_nearly_matches(text: str) -> None:
    started = time.process_time()
    compile_pattern(text).search("a" * 100_000)
    assert time.process_time() - started < 5
