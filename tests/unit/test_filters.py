"""The filter grammar: any text is valid, and incomplete terms hide nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mogplex_tui.live import run_row as make
from mogplex_tui.operate import kind_rows
from mogplex_tui.operate.filters import compile_filter, depends_on_time, parse, quoted
from mogplex_tui.operate.kinds.runs import KIND as RUNS
from tests.unit.fakes import START, call

ROW = {
    "state": "failed",
    "repo": "Acme/Web",
    "model": None,
    "error": "Timeout",
    "step": ("approval", "waiting"),
    "stepping": "no",
    "cost": 1.25,
    "tokens": 48_213.0,
    "time": 90.0,
    "age": 7200.0,
}


def accepts(text: str, row: dict[str, Any] = ROW) -> bool:
    accept = compile_filter(text, lambda each: each)
    return accept is None or accept(row)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("acme", True),
        ("ACME timeout", True),
        ("acme nowhere", False),
        ("!nowhere", True),
        ("!acme", False),
        ("repo:web", True),
        ("repo:timeout", False),
        ("r:web", True),
        ("!repo:web", False),
        ("!repo:api", True),
        ("repo:acme/web", True),
        ("cost:>1", True),
        ("cost:>$1.20", True),
        ("cost:>1.25", False),
        ("cost:<2", True),
        ("cost:<.5", False),
        ("!cost:>2", True),
        ("tokens:>48k", True),
        ("tokens:>1m", False),
        ("time:>1m", True),
        ("time:<90s", False),
        ("age:>1h", True),
        ("age:<1d", True),
        ("repo:>1", False),
        # `=` compares the whole value, or one of several words.
        ("repo:=acme/web", True),
        ("repo:=acme/we", False),
        ("!repo:=acme/we", True),
        ("error:=timeout", True),
        ("tokens:=48213", True),
        ("step:approval", True),
        ("step:=waiting", True),
        ("step:wait", True),
        ("step:=wait", False),
        # A complete field name wins over a prefix.
        ("step:no", False),
        ("stepp:no", True),
        ("err:=time", False),
        # Quotes keep spaces; operators in them are plain text.
        ('"acme/web"', True),
        ('repo:="acme/web', True),
        ('"repo:web"', False),
        ('"timeout acme"', False),
        ('error:"time out"', False),
        # A word does not match the digits of an age or a price.
        ("7200", False),
        ("48213", False),
        ("tokens:48213", True),
        # A missing value matches no comparison.
        ("model:gpt", False),
        ("model:>1", False),
        ("!model:gpt", True),
        # An unknown field matches nothing, so that a typo is noticed.
        ("rpeo:web", False),
        # A colon after anything but a field name is part of the word.
        ("gpt-5:x", False),
    ],
)
def test_filter_terms(text: str, found: bool) -> None:
    assert accepts(text) is found


@pytest.mark.parametrize("text", ["", "  ", "!", "repo:", "!repo:", "! ! repo:", "repo:=", '"', '!repo:="'])
def test_incomplete_text_is_no_filter(text: str) -> None:
    assert compile_filter(text, lambda each: each) is None


@pytest.mark.parametrize(
    "text", ["cost:>", "!cost:>", "cost:<$", "!cost:<$", "model:>", "cost:>abc", "age:>1y:"]
)
def test_incomplete_comparison_matches_everything(text: str) -> None:
    assert accepts(text)


@given(st.text(min_size=1), st.text(min_size=1))
def test_quoted_value_matches_exactly(value: str, other: str) -> None:
    text = f"a:={quoted(value)} b:={quoted(other)}"
    assert accepts(text, {"a": value, "b": other})
    assert accepts(text, {"a": value, "b": other + "x"}) is False


@pytest.mark.parametrize(
    ("text", "so"),
    [
        ("age:<1m", True),
        ("!ti:>5s web", True),
        ("age:1", False),
        ("cost:>1", False),
        ("web", False),
        ("", False),
    ],
)
def test_span_filter_depends_on_the_time(text: str, so: bool) -> None:
    assert depends_on_time(text) is so


@given(st.text(), st.dictionaries(st.text(max_size=5), st.none() | st.text() | st.floats() | st.integers()))
def test_any_text_is_a_valid_filter(text: str, row: dict[str, Any]) -> None:
    parse(text)
    assert accepts(text, row) in (True, False)


@given(st.text(st.sampled_from("!:<>$.0123456789kmcostagei ²٣")))
def test_any_text_of_operators_is_a_valid_filter(text: str) -> None:
    assert accepts(text) in (True, False)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("state:failed", True),
        ("who:codex", True),
        ("harness:codex", True),
        ("type:agent", True),
        ("branch:fix", True),
        ("id:ca110000", True),
        ("cost:>0", False),
        ("model:harness", False),
        ("repo:acme", True),
        ("boom", True),
        ("state:live", False),
    ],
)
def test_run_is_found_by_its_shown_values(text: str, found: bool) -> None:
    row = make.from_call(
        call(
            1,
            status="failed",
            error="boom",
            model="harness:codex",
            metadata={"repo": "acme/web", "working_branch": "fix/it"},
        )
    )
    accept = compile_filter(text, kind_rows.FilterFields(RUNS, START).values_of, kind_rows.span_names(RUNS))
    assert accept is not None
    assert accept(row) is found


@pytest.mark.parametrize("status", ["pending", "streaming"])
def test_unfinished_run_is_found_as_live(status: str) -> None:
    for text in ("live", "state:live", f"state:{status}"):
        accept = compile_filter(
            text, kind_rows.FilterFields(RUNS, START).values_of, kind_rows.span_names(RUNS)
        )
        assert accept is not None and accept(make.from_call(call(1, status=status))), text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("started:2026-08-03T14", True),
        ("started:2026-08-03t14:0", True),
        ("started:2026-08-03T15", False),
        ("started:>2026-08-03", True),
        ("started:>2026-08-03T14:05 started:<2026-08-03T14:06", True),
        ("started:<2026-08-03T14:05", False),
        ("started:>", True),
        # A plain word is not searched in times.
        ("2026", False),
    ],
)
def test_time_is_matched_by_its_local_form(text: str, found: bool) -> None:
    at = datetime(2026, 8, 3, 14, 5, 30).astimezone()
    assert accepts(text, {"state": "failed", "started": at}) is found
