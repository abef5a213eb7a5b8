"""The story boots its sandboxes in what room is left: it pauses its own idle ones, and leaves a place over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.controlplane.calls import admissions
from mogplex_tui.controlplane.db.clock import MINUTE_US
from mogplex_tui.controlplane.sandboxes import sandbox_writes

from .sim_support import NOON, Bench

ACTIVE = (
    "SELECT COUNT(*) FROM sandboxes WHERE user_id = ? AND status IN ('creating', 'installing', 'running')"
)


@pytest.fixture
def bench(tmp_path: Path) -> Any:
    made = Bench(tmp_path / "plane.db")
    yield made
    made.close()


def test_a_place_is_left_for_whoever_looks_on(bench: Bench) -> None:
    bench.simulator.begin()
    bench.go(90)
    counts = []
    for _ in range(90):
        bench.go(10)
        counts.append(bench.db.value(ACTIVE, (bench.plane.user_id,)))
    assert max(counts) <= 3
    assert sum(count < 3 for count in counts) > 75


def test_what_was_booted_over_http_is_not_paused_for_the_story(bench: Bench) -> None:
    user, repo = bench.plane.user_id, bench.db.value("SELECT id FROM repos WHERE full_name = 'acme/docs'")
    with bench.db.transaction() as tx:
        admissions.record_limit(
            tx,
            user_id=user,
            route_key="sandbox_boot",
            decision="allowed",
            at=NOON,
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
            created_at=NOON - 2 * MINUTE_US,
            last_active_at=NOON - 2 * MINUTE_US,
            limit_claim_id="mine",
            sandbox_id="mogplex-mine",
        )
    bench.simulator.begin()
    bench.go_until("SELECT COUNT(*) >= 3 FROM sandboxes WHERE last_boot_started_at > ?", (NOON,))
    assert bench.row("sandboxes", mine)["status"] == "running"
