"""Workers of the hosted profile, which skip checks of the contract (v1.md §7.6)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mogplex_tui.controlplane.runs import run_writes
from tests.controlplane.simulated_plane import HOUR, SimulatedPlane


@pytest.fixture
def simulated(tmp_path: Path) -> Iterator[SimulatedPlane]:
    made = SimulatedPlane(tmp_path / "plane.db")
    made.plane.settings = made.plane.settings._replace(profile="hosted")
    made.simulator.begin(arrivals=False)
    yield made
    made.close()


def test_hosted_worker_continues_run_cancelled_during_boot(
    simulated: SimulatedPlane,
) -> None:
    run_id, call_id = simulated.ask_for_run("long work", repo="acme/search", branch="feature/slow")
    simulated.go_until("SELECT 1 FROM sandboxes WHERE working_branch = 'feature/slow'")
    assert simulated.cancel_call(call_id)
    with simulated.db.transaction() as tx:
        run_writes.mirror_call(tx, run_id, simulated.clock.us)
    simulated.go_until("SELECT status = 'streaming' FROM external_agent_runs WHERE id = ?", (run_id,))
    assert simulated.row("external_agent_runs", run_id)["sandbox_record_id"] is not None
    simulated.go_until("SELECT status = 'failed' FROM external_agent_runs WHERE id = ?", (run_id,))
    assert simulated.row("external_agent_runs", run_id)["error"] == "ai_call is not pending"
    # The call was over, and stays so.
    assert simulated.row("ai_calls", call_id)["status"] == "cancelled"
    assert simulated.events(call_id)[-1]["event_type"] == "cancelled"


def test_hosted_worker_leaves_call_of_failed_boot_to_reaper(simulated: SimulatedPlane) -> None:
    run_id, call_id = simulated.ask_for_run("boot error", repo="acme/infra", branch="feature/x")
    simulated.go_until("SELECT status = 'failed' FROM external_agent_runs WHERE id = ?", (run_id,))
    ended = simulated.row("external_agent_runs", run_id)
    last = simulated.events(call_id)[-1]
    assert (last["event_type"], last["message"]) == ("failed", "External Mogplex run failed")
    assert simulated.row("ai_calls", call_id)["status"] == "pending"
    simulated.clock.us += 6 * HOUR
    simulated.go(310)
    assert "reaped by" in simulated.row("ai_calls", call_id)["error"]
    assert simulated.row("external_agent_runs", run_id) == ended
