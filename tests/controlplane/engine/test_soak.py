"""Deliveries, cancels and restarts in any order break no rule, and all work ends."""

from __future__ import annotations

from pathlib import Path
from random import Random

from mogplex_tui.controlplane.automation import job_cancellation
from mogplex_tui.controlplane.automation.events.github_delivery import Delivery, deliver
from mogplex_tui.controlplane.workload.github_payloads import KINDS, DeliveryRepository, build
from tests.controlplane.simulated_plane import SEEDED_AT, SimulatedPlane, invariant_violations

REPOS = ("acme/api", "acme/web", "acme/billing", "ada-okafor/weather-bot")


def _interfere(simulated: SimulatedPlane, rng: Random, number: int) -> None:
    kind = rng.choice(list(KINDS))
    payload = build(rng, kind, DeliveryRepository(rng.choice(REPOS)))
    deliver(simulated.plane, simulated.plane.ids, Delivery(KINDS[kind][0], f"outside {number}", payload))
    live = simulated.db.all(
        "SELECT job_run_id AS id, owner_installation_id FROM job_owners WHERE status IN ('pending', 'running')"
        " ORDER BY job_run_id"
    )
    if live and rng.random() < 0.2:
        job_cancellation.cancel_job(simulated.plane, simulated.plane.ids, rng.choice(live))


def test_any_order_of_deliveries_cancels_and_restarts_ends_well(tmp_path: Path) -> None:
    rng, path = Random(11), tmp_path / "plane.db"
    simulated = SimulatedPlane(path, seed=11)
    simulated.simulator.begin()
    for number in range(60):
        simulated.go(rng.uniform(1, 20))
        _interfere(simulated, rng, number)
        if number % 10 == 9:
            now = simulated.clock.us + rng.choice((1, 60, 4_000)) * 1_000_000
            simulated.close()
            simulated = SimulatedPlane(path, seed=11, now=now)
            simulated.simulator.begin(arrivals=number < 59)
    simulated.go(3_000)
    assert invariant_violations(simulated.db, simulated.clock.us) == []
    twice = "SELECT COUNT(*) - COUNT(DISTINCT job_run_id || node_id) FROM flow_node_runs WHERE created_at > ?"
    assert simulated.db.value(twice, (SEEDED_AT,)) == 0
    ended = "SELECT COUNT(*) FROM job_runs WHERE created_at > ? AND status = ?"
    assert simulated.db.value(ended, (SEEDED_AT, "success")) > 20
    assert simulated.db.value(ended, (SEEDED_AT, "cancelled")) > 3
    stuck = (
        "SELECT COUNT(*) FROM job_runs j WHERE status IN ('pending', 'running') AND NOT EXISTS"
        " (SELECT 1 FROM flow_waits w WHERE w.job_run_id = j.id AND w.status = 'waiting')"
    )
    assert simulated.db.value(stuck) == 0
    simulated.close()
