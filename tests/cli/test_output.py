from __future__ import annotations

import io
import json
import sys
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mogplex_tui.cli.command_context import say
from mogplex_tui.cli.output import Column, Output, clip, width


class FakeStdout(io.StringIO):
    encoding = "utf-8"

    def __init__(self, terminal: bool = False) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def captured_output(*, terminal: bool = False, as_json: bool = False) -> tuple[Output, FakeStdout]:
    screen, before = FakeStdout(terminal), sys.stdout
    sys.stdout = screen
    try:
        return Output(as_json=as_json, scrub=lambda text: text.replace("hunter2", "••••")), screen
    finally:
        sys.stdout = before


@given(st.text(alphabet=st.characters(), max_size=60))
def test_json_round_trips_text_without_terminal_controls(text: str) -> None:
    output, screen = captured_output(as_json=True)
    output.object("run", {"error": text})
    line = screen.getvalue()
    assert line.count("\n") == 1
    assert not {
        char
        for char in line[:-1]
        if ord(char) < 32 or 0x7F <= ord(char) < 0xA0 or char in "\u202e\u2066\ufeff"
    }
    line.encode()
    if (
        "mog_" not in text
        and "Bearer" not in text
        and "hunter2" not in text
        and "sk-" not in text
        and "gh" not in text
    ):
        assert json.loads(line)["error"] == text


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), min_size=1, max_size=5))
def test_columns_are_aligned_for_any_text(rows: list[tuple[str, str]]) -> None:
    output, screen = captured_output()
    output.table([Column("A"), Column("B"), Column("|")], [(*row, "|") for row in rows])
    lines = screen.getvalue().split("\n")[:-1]
    assert len(lines) == len(rows) + 1
    assert len({width(line) for line in lines}) == 1


@pytest.mark.parametrize(
    "text",
    ["-1.5", "+3", "-0.00000012", "-1e-7", "12", "a=b", ""],
    ids=["negative", "plus sign", "small", "exponent", "integer", "text", "empty"],
)
def test_csv_number_is_not_escaped(text: str) -> None:
    output, screen = captured_output()
    output.csv(["id", text])
    assert screen.getvalue() == f"id,{text}\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("-1+1", "'-1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'=1"),
        ("\r\n-1-", "'-1-"),
        ("-1.5\n", "-1.5"),
        ("-", "'-"),
    ],
    ids=["equals", "minus", "plus", "at sign", "tab", "line break", "number", "lone minus"],
)
def test_csv_formula_is_escaped(text: str, shown: str) -> None:
    output, screen = captured_output()
    output.csv([text])
    assert screen.getvalue() == f"{shown}\n"


def test_times_are_utc_and_cost_is_text() -> None:
    output, screen = captured_output(as_json=True)
    at = datetime(2026, 8, 5, 12, 0, tzinfo=timezone(timedelta(hours=2)))
    output.object(
        "run", {"at": at, "cost": Decimal("1E-7"), "none": None, "late": datetime(2026, 1, 1, tzinfo=UTC)}
    )
    assert json.loads(screen.getvalue()) == {
        "object": "run",
        "at": "2026-08-05T10:00:00Z",
        "cost": "0.0000001",
        "none": None,
        "late": "2026-01-01T00:00:00Z",
    }


def test_credentials_are_masked() -> None:
    for as_json in (False, True):
        output, screen = captured_output(as_json=as_json)
        text = "hunter2 Bearer abcdef ghp_abcdefghijklmnopqrst"
        if as_json:
            output.object("run", {"error": text, "more": [{"deep": text}]})
        else:
            output.line(text)
        for secret in ("hunter2", "abcdef", "ghp_a"):
            assert secret not in screen.getvalue()


def test_long_text_is_cut_before_masking() -> None:
    lengths = list[int]()

    def scrub(text: str) -> str:
        lengths.append(len(text))
        return text

    screen, before = FakeStdout(), sys.stdout
    sys.stdout = screen
    try:
        output = Output(as_json=False, scrub=scrub)
        output.table([Column("A"), Column("B")], [["a\n" * 500_000, "\x1b[31m" * 200_000]] * 200)
    finally:
        sys.stdout = before
    assert max(lengths) <= 10_000
    assert max(map(len, screen.getvalue().splitlines())) <= 810


def test_lines_are_cut_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    for terminal, expected in ((True, 20), (False, 50)):
        output, screen = captured_output(terminal=terminal)
        output.line("x" * 50)
        assert len(screen.getvalue().rstrip("\n")) == expected


def test_narrow_terminal_drops_columns_by_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = [
        Column("ID"),
        Column("WHO", priority=2),
        Column("COST", right=True),
        Column("ERROR", priority=5),
    ]
    row = ("7d0c1234", "a long name of an agent", "$1.00", "it failed")

    def head(wide: int, *, terminal: bool = True) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(wide))
        output, screen = captured_output(terminal=terminal)
        output.table(columns, [row])
        assert all(width(line) <= wide for line in screen.getvalue().splitlines()) or not terminal
        return screen.getvalue().splitlines()[0].split()

    assert head(80) == ["ID", "WHO", "COST", "ERROR"]
    assert head(44) == ["ID", "WHO", "COST"]
    assert head(20) == ["ID", "COST"]
    assert head(20, terminal=False) == ["ID", "WHO", "COST", "ERROR"]


def test_wide_characters_take_two_cells() -> None:
    assert width("日本") == 4
    assert clip("日本語", 4) == "日…"
    assert clip("日本語", 6) == "日本語"
    assert width("e\u0301") == 1


def test_messages_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    say("acme/\x1b[31mred\u202e is strange.\nSecond line – “fine” …")
    assert capsys.readouterr().err == "acme/\\x1b[31mred\\u202e is strange.\nSecond line – “fine” …\n"
