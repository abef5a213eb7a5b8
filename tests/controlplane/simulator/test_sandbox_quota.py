"""The simulator pauses its own idle sandboxes and leaves the operator a free one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.controlplane.calls import admission_writes
from mogplex_tui.controlplane.db.clock import MINUTE_US
from mogplex_tui.controlplane.sandboxes import sandbox_writes
from tests.controlplane.simulated_plane import SEEDED_AT, SimulatedPlane

ACTIVE = (
    "SELECT COUNT(*) FROM sandboxes WHERE user_id = ? AND status IN ('creating', 'installing', 'running')"
)


@pytest.fixture
def simulated(tmp_path: Path) -> Any:
    made = SimulatedPlane(tmp_path / "plane.db")
    yield made
    made.close()


def test_a_place_is_left_for_whoever_looks_on(simulated: SimulatedPlane) -> None:
    simulated.simulator.begin()
    simulated.go(90)
    counts = []
    for _ in range(90):
        simulated.go(10)
        counts.append(simulated.db.value(ACTIVE, (simulated.plane.user_id,)))
    assert max(counts) <= 3
    assert sum(count < 3 for count in counts) > 75


def test_simulated_work_does_not_pause_http_sandbox(simulated: SimulatedPlane) -> None:
    user, repo = (
        simulated.plane.user_id,
        simulated.db.value("SELECT id FROM repos WHERE full_name = 'acme/docs'"),
    )
    with simulated.db.transaction() as tx:
        admission_writes.record_limit(
            tx,
            user_id=user,
            route_key="sandbox_boot",
            decision="allowed",
            at=SEEDED_AT,
            resource_id="mine",
            claim_id="mine",
        )
        mine = sandbox_writes.insert_sandbox(
            tx,
            user_id=user,
            repo_id=repo,
            base_branch="main",
            working_branch="mine",
            status="running",
            created_at=SEEDED_AT - 2 * MINUTE_US,
            last_active_at=SEEDED_AT - 2 * MINUTE_US,
            limit_claim_id="mine",
            sandbox_id="mogplex-mine",
        )
    simulated.simulator.begin()
    simulated.go_until("SELECT COUNT(*) >= 3 FROM sandboxes WHERE last_boot_started_at > ?", (SEEDED_AT,))
    assert simulated.row("sandboxes", mine)["status"] == "running"
