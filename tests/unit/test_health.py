"""What the header calls unusual, and what it leaves unsaid."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from mogplex_tui.live.failure_class import FailureClass
from mogplex_tui.live.hour_figures import HourFigures
from mogplex_tui.live.run_row import RunRow, RunSource
from mogplex_tui.operate import health
from mogplex_tui.operate.health import EndedWork

NOW = datetime(2026, 11, 24, 14, 5, tzinfo=UTC)
EVER = datetime.min.replace(tzinfo=UTC)


def _hours(count: int = 12, *, success: float = 0.9, cost: str = "0.20") -> list[HourFigures]:
    """Hours of ten calls, whose success and cost vary a little."""
    return [
        HourFigures(10, success - number % 3 / 100, Decimal(cost) * (10 + number % 3) / 10)
        for number in range(count)
    ]


def _runs(state: str, count: int, *, model: str = "openai/gpt-5.2", **fields: object) -> list[RunRow]:
    """Runs of the last forty minutes, one a minute."""
    return [
        RunRow(f"{state}-{model}-{number}", RunSource.CALL, state, model=model,
               started_at=NOW - timedelta(minutes=1 + number), **fields)  # type: ignore[arg-type]
        for number in range(count)
    ]  # fmt: skip


def test_failing_model_is_named_with_its_usual_share() -> None:
    error = "The AI provider rate limit or quota was reached. Retry later. Incident MOG-CALL-1."
    rows = _runs("failed", 20, error=error) + _runs("success", 4)
    rows += _runs("success", 30, model="anthropic/claude-opus-5")
    found = health.failed_runs(rows, _hours(), EVER, NOW)
    assert found is not None
    assert (found.text, found.short) == ("20 failed in 1 h (gpt-5.2)", "20 failed")
    assert found.explanation == (
        "20 of 24 runs of gpt-5.2 failed in 1 h; usually 11 % do not succeed (median of 12 hours)."
        " Most often: rate limited."
    )
    assert (found.screen, found.filter) == ("runs", "state:failed age:<1h model:=openai/gpt-5.2")


def test_failures_of_many_models_name_their_cause_and_the_time_that_rows_cover() -> None:
    rows = [
        row for name in "abcdef" for row in _runs("failed", 3, model=name) + _runs("success", 1, model=name)
    ]
    found = health.failed_runs(rows, _hours(), NOW - timedelta(minutes=20), NOW)
    assert found is not None
    assert (found.text, found.filter) == ("18 failed in 20 min", "state:failed age:<1h")
    provider = FailureClass.PROVIDER_UNAVAILABLE
    known = [row._replace(failure_class=provider, cause="Overloaded (529).") for row in rows]
    found = health.failed_runs(known, _hours(), EVER, NOW)
    assert found is not None
    assert found.text == "18 failed in 1 h (model provider unavailable)"
    assert found.explanation.endswith("Most often: model provider unavailable: Overloaded (529).")


def test_usual_failures_and_few_samples_are_no_finding() -> None:
    usual = _runs("failed", 3) + _runs("success", 20)
    assert health.failed_runs(usual, _hours(), EVER, NOW) is None
    many = _runs("failed", 20)
    assert health.failed_runs(many, _hours(7), EVER, NOW) is None
    assert health.failed_runs(_runs("failed", 7), _hours(), EVER, NOW) is None
    # An account whose runs always fail by half has nothing unusual.
    assert health.failed_runs(many[:12] + _runs("success", 12), _hours(success=0.5), EVER, NOW) is None
    assert health.failed_runs(many, [], EVER, NOW) is None


def test_earlier_rows_stand_in_for_hours_that_were_not_read() -> None:
    earlier = [
        RunRow(
            f"{hour}-{number}",
            RunSource.CALL,
            "success",
            cost=Decimal("0.02"),
            started_at=NOW - timedelta(hours=hour, minutes=number),
        )
        for hour in range(2, 12)
        for number in range(3)
    ]
    recent = _runs("failed", 9)
    hours = health.earlier_hours(_hours(7), [*earlier, *recent], NOW)
    assert list(hours) == [HourFigures(3, 1.0, Decimal("0.06"))] * 10
    found = health.failed_runs(recent, hours, EVER, NOW)
    assert found is not None
    assert "usually 0 % do not succeed (median of 10 hours)" in found.explanation
    assert health.earlier_hours(_hours(8), earlier, NOW) == hours
    assert health.earlier_hours(_hours(10), earlier, NOW) == _hours(10)


def test_shares_of_hours_with_few_runs_differ_by_chance_alone() -> None:
    few_runs = health.usual_share([(0.0, 2), (0.5, 2)] * 4)
    many_runs = health.usual_share([(0.0, 1000), (0.5, 1000)] * 4)
    assert few_runs is not None
    assert many_runs is not None
    assert few_runs.median == many_runs.median == 0.25
    assert few_runs.spread < 0.25 < many_runs.spread


def test_usual_share_of_hours_with_few_runs_is_that_of_all_their_runs() -> None:
    """One run in eight fails, so that most hours of four runs have no failure at all."""
    hours = [HourFigures(4, share, None) for share in (1.0, 0.5, 1.0, 1.0)] * 10
    common = health.usual_share((1 - hour.success_share, hour.calls) for hour in hours)
    assert common is not None
    assert 0.10 <= common.median <= 0.15
    assert common.samples == 40
    assert health.failed_runs(_runs("failed", 4) + _runs("success", 24), hours, EVER, NOW) is None


def test_spend_is_judged_by_the_sum_of_an_hour_and_the_cost_of_a_run() -> None:
    found = health.spend(HourFigures(40, 1.0, Decimal("7.20")), _hours())
    assert found is not None
    assert found.text == "spend 33× usual"
    assert found.explanation == (
        "The last hour cost ~$7.20; usually ~$0.22 (median of 12 hours)."
        " Its 40 runs cost ~$0.18 each; usually ~$0.022."
    )
    dear_runs = health.spend(HourFigures(10, 1.0, Decimal("0.90")), _hours())
    assert dear_runs is not None
    assert dear_runs.text == "cost per run 4× usual"
    assert dear_runs.explanation == (
        "The 10 runs of the last hour cost ~$0.090 each, ~$0.90 in all; usually ~$0.022 each (median of 12 hours)."
    )
    many_cheap_runs = health.spend(HourFigures(400, 1.0, Decimal("8.80")), _hours())
    assert many_cheap_runs is not None
    assert many_cheap_runs.text == "spend 40× usual"
    assert many_cheap_runs.explanation == "The last hour cost ~$8.80; usually ~$0.22 (median of 12 hours)."
    # A busy hour that earlier hours equal, and one that costs little, are no findings.
    busy = [*_hours(), *_hours(3, cost="8.80")]
    assert health.spend(HourFigures(400, 1.0, Decimal("8.80")), busy) is None
    assert health.spend(HourFigures(40, 1.0, Decimal("0.95")), _hours(cost="0.10")) is None
    assert health.spend(HourFigures(40, 1.0, Decimal("7.20")), _hours(7)) is None
    assert health.spend(HourFigures(7, 1.0, Decimal("0.90")), _hours()) is None
    assert health.spend(HourFigures(40, 1.0, None), _hours()) is None
    assert health.spend(None, _hours()) is None


def _job(number: int, ago: timedelta, took: timedelta, *, repo: str = "acme/billing") -> RunRow:
    began = NOW - ago
    return RunRow(
        f"{repo}-{number}", RunSource.CALL, "success", job_id=f"{repo}-job-{number}", repo=repo, kind="pr_review",
        started_at=began, ended_at=began + took,
    )  # fmt: skip


def _rounds(count: int, pause: int) -> list[RunRow]:
    """Rounds of one minute each, the last of which ended half a minute ago."""
    step = 60 + pause
    return [
        _job(number, timedelta(seconds=90 + (count - 1 - number) * step), timedelta(minutes=1))
        for number in range(count)
    ]


def _ordinary_jobs(count: int = 10, hours: float = 2) -> Iterable[RunRow]:
    return (
        _job(
            number,
            timedelta(hours=hours * (number + 1)),
            timedelta(minutes=5),
            repo=f"acme/repo-{number % 3}",
        )
        for number in range(count)
    )


def test_automation_that_starts_after_its_own_end_is_a_loop() -> None:
    # A job that overlaps the loop is none of its rounds.
    other = _job(99, timedelta(seconds=200), timedelta(minutes=3))
    found = health.loop([*_ordinary_jobs(), *_rounds(7, 20), other], NOW)
    assert found is not None
    assert found.text == "loop: pr review in acme/billing, round 7"
    assert (
        "ran 7 times in a row, each time within 20s of its own end; usually 1h55m pass" in found.explanation
    )
    assert found.filter == "repo:=acme/billing type:=pr_review"


def test_repeated_jobs_are_no_loop_if_usual_slow_or_over() -> None:
    assert health.loop([*_ordinary_jobs(8), *_rounds(7, 20)], NOW) is None
    assert health.loop([*_ordinary_jobs(hours=0.1), *_rounds(7, 20)], NOW) is None
    assert health.loop([*_ordinary_jobs(), *_rounds(7, 300)], NOW) is None
    assert health.loop([*_ordinary_jobs(), *_rounds(4, 20)], NOW) is None
    assert health.loop([*_ordinary_jobs(), *_rounds(7, 20)], NOW + timedelta(minutes=30)) is None


def test_sandboxes_that_do_not_boot_are_counted_against_earlier_ones() -> None:
    earlier = [EndedWork(NOW - timedelta(hours=hour), False) for hour in range(2, 12)]
    recent = [EndedWork(NOW - timedelta(minutes=number), number < 9) for number in range(11)]
    found = health.broken_sandboxes(earlier + recent, NOW)
    assert found is not None
    assert (found.text, found.filter) == ("9 sandboxes did not boot", "state:error age:<1h")
    assert "usually 0 % (median of 10 hours)" in found.explanation
    assert health.broken_sandboxes(earlier[:7] + recent, NOW) is None
    assert health.broken_sandboxes(earlier + recent[:1] + recent[9:], NOW) is None


def test_many_approvals_say_how_long_they_wait() -> None:
    found = health.approvals(9, [NOW - timedelta(hours=number) for number in range(1, 10)], NOW)
    assert found is not None
    assert found.text == "9 approvals"
    assert found.explanation.endswith("Half of them wait for more than 5h00m, the oldest for 9h00m.")
    assert health.approvals(7, [NOW] * 7, NOW) is None
