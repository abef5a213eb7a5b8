"""The facts of a run, with reasons for unknown values."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mogplex_tui.live import run_row as make
from mogplex_tui.live.run_row import RunRow, RunSource
from mogplex_tui.operate import run_facts
from mogplex_tui.operate.formatting import DASH
from mogplex_tui.operate.model import RenderTime
from mogplex_tui.operate.record_page import facts_of
from tests.unit.fakes import START, call, job, run, stamp, uuid

NOW = START + timedelta(hours=1)


def facts_shown(row: RunRow, *, calls_open: bool = True) -> dict[str, str]:
    groups = facts_of(run_facts.facts(calls_open=calls_open), row, RenderTime(NOW))
    return {label: value for group in groups for label, value, _ in group}


def test_finished_call_has_all_facts() -> None:
    row = make.from_call(
        call(
            0,
            status="success",
            completed_at=stamp(90),
            duration_ms=90_000,
            input_tokens=48_213,
            output_tokens=812,
            cache_read_input_tokens=1000,
            cost_usd="0.42",
            cost_source="gateway",
            metadata={
                "repo": "acme/web",
                "working_branch": "fix/it",
                "base_branch": "main",
                "harness_id": "codex",
                "sandbox_record_id": uuid(5),
                "sandbox_id": "mogplex-5",
                "pull_request_url": "https://github.com/acme/web/pull/7",
            },
        )
    )
    found = facts_shown(row)
    assert (found["repo"], found["branch"], found["base"], found["sandbox"]) == (
        "acme/web",
        "fix/it",
        "main",
        "mogplex-5",
    )
    assert found["model"] == "claude-sonnet-5 via codex"
    assert found["tokens"] == "48.2k in  812 out"
    assert found["cached"] == "1.0k"
    assert found["cost"] == "$0.42  billed"
    assert (found["started"], found["duration"]) == ("1h ago", "1m30s")
    assert "ended" in found
    assert found["pull req"] == "https://github.com/acme/web/pull/7"
    assert (found["call"], found["sandbox id"]) == (call(0).id, uuid(5))


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"model": "harness:codex"}, "no price for harness runs"),
        ({"input_tokens": 5}, "no price known"),
        ({}, "not known"),
        ({"status": "streaming"}, "not known yet"),
    ],
)
def test_unknown_cost_is_a_dash_with_a_reason(fields: dict[str, object], why: str) -> None:
    cost = facts_shown(make.from_call(call(1, cost_source="trigger", **fields)))["cost"]
    assert cost == f"{DASH}  {why}"
    assert "$" not in cost


@pytest.mark.parametrize(
    "row",
    [make.from_run(run(1)), make.from_job(job(1, ""), uuid(2), "Nightly")],
    ids=["run of the token API", "job of the token API"],
)
@pytest.mark.parametrize(
    ("calls_open", "why"),
    [(False, "needs a browser session"), (True, "not read yet")],
    ids=["token", "session"],
)
def test_unread_cost_is_not_called_unpriced(row: RunRow, calls_open: bool, why: str) -> None:
    found = facts_shown(row, calls_open=calls_open)
    assert found["cost"] == f"{DASH}  {why}"


def test_estimated_cost_is_marked() -> None:
    assert facts_shown(make.from_call(call(1, cost_usd="0.42", cost_source="trigger")))["cost"].startswith(
        "~$0.42  estimated"
    )


def test_tokens_known_only_as_a_sum_are_shown_as_sum() -> None:
    assert facts_shown(make.from_call(call(1, total_tokens=1500)))["tokens"] == "1.5k"
    assert facts_shown(make.from_call(call(1)))["tokens"] == DASH


def test_empty_row_shows_dashes_and_its_id() -> None:
    found = facts_shown(RunRow("the-key", RunSource.CALL, "unknown"))
    assert {
        found[label] for label in ("repo", "branch", "base", "sandbox", "model", "type", "tokens", "started")
    } == {DASH}
    assert found["id"] == "the-key"
    assert "pull req" not in found


def test_ids_are_shown_where_names_are_unknown() -> None:
    found = facts_shown(make.from_run(run(1)))
    assert found["repo"] == "0e900000"
    assert (found["run"], found["call"]) == (run(1).run_id, call(1).id)
    found = facts_shown(make.from_job(job(1, uuid(2)), uuid(2), "Nightly"))
    assert (found["job"], found["automation"]) == (job(1, "").id, uuid(2))


def test_live_run_shows_elapsed_time() -> None:
    found = facts_shown(make.from_call(call(0, status="streaming")))
    assert found["elapsed"] == "1h00m"
    assert "duration" not in found


def test_brief_has_two_lines_and_no_false_zero_cost() -> None:
    for row in (
        make.from_call(call(0, status="streaming")),
        make.from_run(run(1)),
        RunRow("k", RunSource.CALL, "unknown"),
    ):
        first, second = run_facts.brief_lines(row, NOW)
        assert "None" not in first + second
        assert f"cost {DASH}" in second
        assert "$0.00" not in second
    assert "run 00f00000" in run_facts.brief_lines(make.from_run(run(1)), NOW)[1]


def test_cancel_consequence_names_what_stays() -> None:
    assert "branch and sandbox stay" in run_facts.cancel_consequence(make.from_run(run(1)))
    assert "job" in run_facts.cancel_consequence(make.from_job(job(1, "a"), "a", None))
