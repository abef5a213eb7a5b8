from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mogplex_tui.widgets.text import cut_end, cut_middle, fit, pad_left, pad_right, visible, width, wrap


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain [bold]words[/]", "plain [bold]words[/]"),
        ("\x1b[31m\x00\x7f", "␛[31m␀␡"),
        ("\x9b2J", "<9b>2J"),
        ("a\tb\nc\r\nd\re", "a    b⏎c⏎d␍e"),
        ("x\u202ey\u2066z\u200f", "x<U+202E>y<U+2066>z<U+200F>"),
        ("\u200bhid\ufeffden\U000e0041", "<U+200B>hid<U+FEFF>den<U+E0041>"),
        ("line\u2028separator", "line⏎separator"),
        ("👩‍💻 👍🏽 ❤️", "👩💻 👍 ❤"),
        ("🇩🇪", "DE"),
        ("\ud83d", "\ufffd"),
        ("日本語 ünïcode", "日本語 ünïcode"),
    ],
    ids=[
        "markup",
        "C0 controls",
        "C1 control",
        "white space",
        "bidirectional controls",
        "invisible characters",
        "line separator",
        "emoji sequences",
        "flag",
        "lone surrogate",
        "other scripts",
    ],
)
def test_control_characters_become_visible(text: str, seen: str) -> None:
    assert visible(text) == seen


@pytest.mark.parametrize(
    ("text", "cells", "end", "middle"),
    [
        ("fix/login-redirect", 18, "fix/login-redirect", "fix/login-redirect"),
        ("fix/login-redirect", 10, "fix/login…", "fix/l…rect"),
        ("fix/login-redirect", 2, "f…", "f…"),
        ("fix/login-redirect", 1, "…", "…"),
        ("fix/login-redirect", 0, "", ""),
        ("日本語の名前", 7, "日本語…", "日…名前"[:0] + "日…前"),
        ("two words", 5, "two…", "tw…ds"),
    ],
    ids=["fits", "too long", "two cells", "one cell", "no cell", "wide characters", "blank at the cut"],
)
def test_text_is_cut_at_its_end_or_middle(text: str, cells: int, end: str, middle: str) -> None:
    assert cut_end(text, cells) == end
    assert cut_middle(text, cells) == middle


def test_padding_counts_cells() -> None:
    assert pad_right("日本", 6) == "日本  "
    assert pad_left("日本", 6) == "  日本"
    assert pad_left("longer", 3) == "longer"


@given(st.text(), st.integers(0, 40), st.sampled_from(["left", "right"]), st.sampled_from(["end", "middle"]))
def test_any_text_fits_exactly(text: str, cells: int, align: str, cut: str) -> None:
    shown = fit(text, cells, align, cut)
    assert width(shown) == cells
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0x202A <= ord(c) <= 0x202E for c in shown)


@given(st.text(alphabet="ab 日é", max_size=200), st.integers(2, 20), st.integers(2, 20))
def test_wrapping_loses_only_spaces_and_never_overflows(text: str, first: int, rest: int) -> None:
    lines = wrap(text, first, rest)
    assert width(lines[0]) <= first
    assert all(width(line) <= rest for line in lines[1:])
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_wrapping_breaks_at_spaces() -> None:
    assert wrap("hello brave new world", 11, 9) == ["hello brave", "new world"]
    assert wrap("unbreakable", 4, 4) == ["unbr", "eaka", "ble"]
    assert wrap("", 4, 4) == [""]


def test_cutting_a_megabyte_is_as_fast_as_cutting_a_line() -> None:
    assert fit("a" * 1_000_000, 5) == "aaaa…"
    assert fit("a" * 1_000_000 + "zz", 5, cut="middle") == "aa…zz"


NEEDED = (
    "Assignments need a browser session: mogplex-tui login --session opens it. :automations shows the rest."
)


@given(st.integers(45, 110))
def test_command_fits_on_one_line(cells: int) -> None:
    lines = wrap(NEEDED, cells, cells)
    assert sum("mogplex-tui login --session" in line for line in lines) == 1
    assert " ".join(lines) == NEEDED
    assert all(width(line) <= cells for line in lines)


def test_long_command_breaks_between_words() -> None:
    assert wrap(NEEDED, 20, 20)[2:5] == ["mogplex-tui login", "--session opens it.", ":automations shows"]
