"""Formatting of numbers, states and times; an unknown value is a dash."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from mogplex_tui.api.models.jobs import Job
from mogplex_tui.live import run_row as make
from mogplex_tui.live.run_row import ENDED_STATES, LIVE_STATES, Cost
from mogplex_tui.operate import formatting
from mogplex_tui.operate.formatting import DASH
from mogplex_tui.widgets.ascii_filter import letters
from tests.unit.fakes import call

NOW = datetime(2026, 8, 5, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, DASH),
        (-3, "0s"),
        (0, "0s"),
        (59.9, "59s"),
        (60, "1m00s"),
        (111, "1m51s"),
        (3599, "59m59s"),
        (7500, "2h05m"),
        (86399, "23h59m"),
        (273_600, "3d04h"),
    ],
)
def test_seconds_are_formatted(value: float | None, text: str) -> None:
    assert formatting.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, DASH),
        (0, "0ms"),
        (85, "85ms"),
        (99.9, "99ms"),
        (100, "0.1s"),
        (1100, "1.1s"),
        (31_400, "31.4s"),
        (59_949, "59.9s"),
        (59_960, "1m00s"),
        (60_000, "1m00s"),
        (125_000, "2m05s"),
    ],
)
def test_milliseconds_are_formatted(value: float | None, text: str) -> None:
    assert formatting.millis(value) == text


@pytest.mark.parametrize(
    ("ago", "text"),
    [(0, "0s"), (12, "12s"), (59, "59s"), (60, "1m"), (3599, "59m"), (3600, "1h"), (172_800, "2d")],
)
def test_ages_are_formatted(ago: int, text: str) -> None:
    assert formatting.age(NOW - timedelta(seconds=ago), NOW) == text


def test_age_of_none_is_a_dash_and_of_the_future_zero() -> None:
    assert formatting.age(None, NOW) == DASH
    assert formatting.age(NOW + timedelta(hours=1), NOW) == "0s"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, DASH),
        (0, "0"),
        (812, "812"),
        (999, "999"),
        (1000, "1.0k"),
        (48_213, "48.2k"),
        (999_949, "999.9k"),
        (999_950, "1.0M"),
        (1_800_000, "1.8M"),
        (999_949_999, "999.9M"),
        (2_500_000_000, "2.5G"),
    ],
)
def test_counts_are_formatted(value: int | None, text: str) -> None:
    assert formatting.count(value) == text


@pytest.mark.parametrize(
    ("value", "source", "text"),
    [
        (None, Cost.UNKNOWN, DASH),
        (None, Cost.KNOWN, DASH),
        (Decimal(0), Cost.KNOWN, "$0.00"),
        (Decimal("0.00000001"), Cost.KNOWN, "<$0.01"),
        (Decimal("0.005"), Cost.KNOWN, "<$0.01"),
        (Decimal("0.0051"), Cost.KNOWN, "$0.01"),
        (Decimal("0.42"), Cost.ESTIMATED, "~$0.42"),
        (Decimal("0.004"), Cost.ESTIMATED, "~<$0.01"),
        (Decimal("1234.5"), Cost.KNOWN, "$1,234.50"),
    ],
)
def test_costs_are_formatted(value: Decimal | None, source: Cost, text: str) -> None:
    assert formatting.money(value, source) == text


def test_small_cost_is_never_shown_as_zero() -> None:
    spent = [Decimal(parts) / 10_000 for parts in range(1, 200)]
    assert not [money for money in spent if formatting.money(money) == "$0.00"]


def test_every_state_has_glyph_word_and_style() -> None:
    for word in {
        *LIVE_STATES,
        *ENDED_STATES,
        "creating",
        "installing",
        "error",
        "stopped",
        "paused",
        "unreadable",
    }:
        glyph, shown, tone = formatting.state(word)
        assert (len(glyph), shown) == (1, word)
        assert tone
        assert letters(glyph).isascii()


def test_states_differ_without_colour() -> None:
    different = ("pending", "streaming", "success", "failed", "cancelled", "paused", "waiting", "gap")
    glyphs = {formatting.state(word)[0] for word in different}
    assert len(glyphs) == len({letters(glyph) for glyph in glyphs}) == len(different)


def test_unknown_state_keeps_its_word() -> None:
    assert formatting.state("hibernating") == ("▫", "hibernating", "plain")
    assert letters(formatting.state("hibernating")[0]) == "?"


def test_ids_models_plurals_and_times_are_formatted() -> None:
    assert formatting.short_id("ca110000-0000") == "ca110000"
    assert formatting.short_id("alibaba/qwen4-coder") == "alibaba/qwen4-coder"
    assert formatting.short_id(None) == formatting.short_id("") == DASH
    assert formatting.model("anthropic/claude-sonnet-5") == "claude-sonnet-5"
    assert formatting.model("gpt-5") == "gpt-5"
    assert formatting.model(None) == formatting.model("") == DASH
    assert [formatting.plural(n, "run") for n in (0, 1, 2, 1500)] == [
        "0 runs",
        "1 run",
        "2 runs",
        "1,500 runs",
    ]
    assert formatting.local_time(None) == DASH
    assert formatting.utc(NOW) == "2026-08-05T10:00:00Z"
    assert formatting.utc(NOW.astimezone()) == "2026-08-05T10:00:00Z"


@pytest.mark.parametrize(
    "stored", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00"]
)
@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_extreme_dates_are_formatted_in_every_zone(
    stored: str, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        (at,) = {call(started_at=stored).started_at, make.instant(stored)}
        assert at is not None
        assert len(formatting.time_of_day(at)) == len("10:00:00")
        assert formatting.local_time(at)
        assert formatting.utc(at).endswith("Z")
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            "The run exceeded its time limit. Retry it or reduce the task scope. Incident MOG-JOB-C9.",
            "time limit",
        ),
        (
            "The run failed because of an internal service error. Retry it; if it continues, contact support.",
            "internal error",
        ),
        ("3 tests failed. See the log.\nTraceback", "3 tests failed. See the log."),
        ("", ""),
    ],
)
def test_error_is_shortened_to_its_cause(error: str, text: str) -> None:
    assert formatting.cause(error) == text


def test_job_cost_is_marked_as_estimate() -> None:
    job = Job.model_validate({"id": "j", "status": "success", "cost_usd": 0.104})
    assert formatting.money(job.cost_usd) == "~$0.10"
    assert (
        formatting.money(Job.model_validate({"id": "j", "status": "pending", "cost_usd": None}).cost_usd)
        == DASH
    )
