"""Rules that hold for every writer (runtime-model.md §9)."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from mogplex_tui.controlplane.automation.jobs import cancel_and_release, job_writes
from mogplex_tui.controlplane.calls import call_writes
from mogplex_tui.controlplane.calls.pricing import Tokens
from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.database_setup import prepare
from mogplex_tui.controlplane.db.database import Tx
from mogplex_tui.controlplane.runs import run_writes
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory

LIVE = ("pending", "streaming")
CONTROL = ["active", "cancel_requested", "cancelled"]
TERMINAL_EVENTS = {"success": "finished", "failed": "failed", "cancelled": "cancelled"}


@pytest.fixture
def factory(tmp_path: Path, clock: ManualClock) -> Iterator[RowFactory]:
    """A row factory of a plane without a server."""
    plane = prepare(Settings(seeded=False), tmp_path / "plane.db", clock)
    yield RowFactory(plane, clock)
    plane.db.close()


def _one_move(tx: Tx, call: str, dice: random.Random, at: int) -> None:
    move = dice.choice(["stream", "usage", "finish", "fail", "request", "finalize", "reap", "metadata"])
    if move == "stream":
        call_writes.begin_streaming(tx, call, "cmd", at)
    elif move == "usage":
        call_writes.update_usage(tx, call, Tokens(input=dice.randrange(9)))
    elif move in ("finish", "fail"):
        status = "success" if move == "finish" else "failed"
        call_writes.finish_call(tx, call, status, at, message="Harness run " + status)
    elif move == "request":
        call_writes.request_cancel(tx, call, at, {})
    elif move == "finalize":
        call_writes.finalize_cancel(tx, call, at, "Run cancelled", {})
    elif move == "reap":
        call_writes.reap_call(tx, call, at)
    else:
        call_writes.merge_metadata(tx, call, {"n": dice.randrange(9)})


@pytest.mark.parametrize("seed", range(40))
def test_call_status_is_final_once_ended(factory: RowFactory, clock: ManualClock, seed: int) -> None:
    dice = random.Random(seed)
    call = factory.call()
    before = factory.row("ai_calls", call)
    for _ in range(12):
        clock.advance(1)
        with factory.plane.db.transaction() as tx:
            _one_move(tx, call, dice, clock.us)
        after = factory.row("ai_calls", call)
        assert CONTROL.index(after["control_state"]) >= CONTROL.index(before["control_state"])
        ended = after["status"] not in LIVE
        if before["status"] not in LIVE:
            assert {**after, "metadata": ""} == {**before, "metadata": ""}
        assert (after["completed_at"] is not None) == ended
        assert (after["duration_ms"] is not None) == ended
        assert (after["cancel_requested_at"] is not None) == (after["control_state"] != "active")
        if after["status"] == "cancelled":
            assert after["control_state"] == "cancelled"
        before = after
    events = [
        row[0]
        for row in factory.plane.db.all(
            "SELECT event_type FROM ai_call_events WHERE ai_call_id = ? ORDER BY seq", (call,)
        )
    ]
    ends = [kind for kind in events if kind in TERMINAL_EVENTS.values()]
    expected = [] if before["status"] in LIVE else [TERMINAL_EVENTS[before["status"]]]
    assert ends == expected
    if ends:
        assert events[-1] == ends[0]
    assert events.count("cancel_requested") <= 1
    assert events.count("status_changed") <= 1


def test_a_run_mirrors_its_call(factory: RowFactory, clock: ManualClock) -> None:
    call = factory.call()
    run = factory.run(factory.repo(), call)
    with factory.plane.db.transaction() as tx:
        assert run_writes.mirror_call(tx, run, clock.us) is None
        call_writes.finish_call(tx, call, "failed", clock.us, error="broken", message="Harness run failed")
    assert factory.row("external_agent_runs", run)["status"] == "pending"
    clock.advance(2)
    with factory.plane.db.transaction() as tx:
        assert run_writes.mirror_call(tx, run, clock.us) == "failed"
    row = factory.row("external_agent_runs", run)
    assert (row["status"], row["error"], row["updated_at"]) == ("failed", "broken", clock.us)


def test_a_job_moves_forward_only(factory: RowFactory, clock: ManualClock) -> None:
    flow = factory.flow()
    job = factory.job(flow)
    db = factory.plane.db
    with db.transaction() as tx:
        # Not running yet: there is nothing to finish.
        assert not job_writes.finish(tx, job, "success", clock.us, reason="AUTOMATION_COMPLETED")
        assert job_writes.start(tx, job, clock.us, "webhook", "run_1") == (True, None)
        assert job_writes.start(tx, job, clock.us, "repair", "run_2") == (False, "START_ALREADY_STARTED")
        assert job_writes.start_failed(tx, job, clock.us, "runtime refused")
    assert (factory.row("job_runs", job)["status"], factory.row("job_runs", job)["started_at"]) == (
        "pending",
        None,
    )
    clock.advance(5)
    with db.transaction() as tx:
        job_writes.start(tx, job, clock.us, "repair", "run_3")
    clock.advance(7)
    with db.transaction() as tx:
        assert job_writes.finish(
            tx, job, "success", clock.us, reason="AUTOMATION_COMPLETED", patch={"pull_request_url": "u"}
        )
        assert not job_writes.finish(tx, job, "failed", clock.us, reason="AUTOMATION_FAILED")
        assert not job_writes.start_failed(tx, job, clock.us, "late")
        assert not cancel_and_release.finalize_cancel(tx, job, clock.us, "USER_REQUESTED", 0)
        assert job_writes.start(tx, job, clock.us, "repair", "run_4").started is False
    row = factory.row("job_runs", job)
    assert (row["status"], row["duration_ms"], row["runtime_run_id"]) == ("success", 7_000, "run_3")
    assert '"pull_request_url":"u"' in row["metadata"]
    ledger = db.all(
        "SELECT event_kind, outcome FROM automation_dispatch_events WHERE job_run_id = ? ORDER BY rowid",
        (job,),
    )
    assert [tuple(entry) for entry in ledger] == [
        ("enqueue", "queued"),
        ("start", "started"),
        ("start", "start_failed"),
        ("start", "started"),
        ("control", "completed"),
    ]


def test_a_cancelled_job_does_not_start(factory: RowFactory, clock: ManualClock) -> None:
    job = factory.job(factory.flow())
    with factory.plane.db.transaction() as tx:
        cancel_and_release.request_cancel(tx, job, clock.us, "USER_REQUESTED")
        cancel_and_release.finalize_cancel(tx, job, clock.us, "USER_REQUESTED", 0)
        assert job_writes.start(tx, job, clock.us, "repair", "run_1") == (False, "JOB_RUN_CANCELLED")
    row = factory.row("job_runs", job)
    assert (row["status"], row["last_start_error"]) == ("cancelled", "Job is cancelled")


def test_limits_of_waiting_work(factory: RowFactory) -> None:
    flow, repo = factory.flow(), factory.repo()
    for _ in range(job_writes.PENDING_PER_REPO):
        factory.job(flow, repo)
    with factory.plane.db.transaction() as tx:
        assert job_writes.pending_limit(tx, 88, repo) == "REPO_PENDING_LIMIT"
        assert job_writes.pending_limit(tx, 88, "another") is None
    for index in range(job_writes.PENDING_PER_INSTALLATION - job_writes.PENDING_PER_REPO):
        factory.job(flow, f"repo-{index}")
    with factory.plane.db.transaction() as tx:
        assert job_writes.pending_limit(tx, 88, "another") == "INSTALLATION_PENDING_LIMIT"


def test_parent_delete_keeps_traces(factory: RowFactory) -> None:
    repo = factory.repo()
    flow = factory.flow()
    job = factory.job(flow, repo, start=True)
    call = factory.call(job_run_id=job, repo_id=repo)
    with factory.plane.db.transaction() as tx:
        tx.execute("DELETE FROM flows WHERE id = ?", (flow,))
        tx.execute("DELETE FROM repos WHERE id = ?", (repo,))
        tx.execute("DELETE FROM job_runs WHERE id = ?", (job,))
    row = factory.row("ai_calls", call)
    assert (row["job_run_id"], row["repo_id"]) == (job, None)
    ledger = factory.plane.db.all(
        "SELECT job_run_id, flow_id, repo_id, source_kind FROM automation_dispatch_events"
    )
    assert [tuple(entry) for entry in ledger] == [(None, None, None, "flow")] * 2


def test_database_refuses_unknown_enum_values(factory: RowFactory) -> None:
    for columns in (
        {"type": "essay"},
        {"status": "done"},
        {"control_state": "maybe"},
        {"cost_source": "guess"},
    ):
        with pytest.raises((sqlite3.IntegrityError, ValueError)):
            factory.call(**columns)
    with pytest.raises(sqlite3.IntegrityError):
        factory.event(factory.call(), "assistant_message")
