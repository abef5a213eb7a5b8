"""The workers of the hosted service, which are more careless than the written word (v1.md §7.6)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mogplex_tui.controlplane.runs import run_writes

from .sim_support import HOUR, Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "plane.db")
    made.plane.settings = made.plane.settings._replace(profile="hosted")
    made.simulator.begin(arrivals=False)
    yield made
    made.close()


def test_the_hosted_worker_goes_on_with_a_run_that_was_cancelled_while_its_sandbox_booted(
    bench: Bench,
) -> None:
    run_id, call_id = bench.ask_for_run("long work", repo="acme/search", branch="feature/slow")
    bench.go_until("SELECT 1 FROM sandboxes WHERE working_branch = 'feature/slow'")
    assert bench.cancel_call(call_id)
    with bench.db.transaction() as tx:
        run_writes.mirror_call(tx, run_id, bench.clock.now)
    bench.go_until("SELECT status = 'streaming' FROM external_agent_runs WHERE id = ?", (run_id,))
    assert bench.row("external_agent_runs", run_id)["sandbox_record_id"] is not None
    bench.go_until("SELECT status = 'failed' FROM external_agent_runs WHERE id = ?", (run_id,))
    assert bench.row("external_agent_runs", run_id)["error"] == "ai_call is not pending"
    # The call was over, and stays so.
    assert bench.row("ai_calls", call_id)["status"] == "cancelled"
    assert bench.events(call_id)[-1]["event_type"] == "cancelled"


def test_the_hosted_service_leaves_the_call_of_a_failed_boot_to_the_reaper(bench: Bench) -> None:
    run_id, call_id = bench.ask_for_run("boot error", repo="acme/infra", branch="feature/x")
    bench.go_until("SELECT status = 'failed' FROM external_agent_runs WHERE id = ?", (run_id,))
    ended = bench.row("external_agent_runs", run_id)
    last = bench.events(call_id)[-1]
    assert (last["event_type"], last["message"]) == ("failed", "External Mogplex run failed")
    assert bench.row("ai_calls", call_id)["status"] == "pending"
    bench.clock.now += 6 * HOUR
    bench.go(310)
    assert "reaped by" in bench.row("ai_calls", call_id)["error"]
    assert bench.row("external_agent_runs", run_id) == ended
