"""Causes of failed runs, from all routes that know them."""

from __future__ import annotations

import json

from tests.controlplane.row_factory import RowFactory
from tests.pilot.console import ConsoleFactory

MINUTE = 60_000_000


def _failed_job(world: RowFactory, repo: str) -> None:
    """Add a failed job of a pull request with its failed call."""
    flow = world.flow()
    job = world.job(flow, repo, start=True, pr_number=12, pr_title="Retry uploads")
    failure = {
        "model_failure_class": "provider_unavailable",
        "model_failure_message": "Bad gateway from model provider: 502",
    }
    with world.plane.db.transaction() as tx:
        tx.execute("UPDATE job_runs SET status = 'failed', error = 'boom' WHERE id = ?", (job,))
        tx.insert(
            "automation_dispatch_events",
            id=tx.new_id(),
            user_id=world.user,
            job_run_id=job,
            flow_id=flow,
            repo_id=repo,
            source_kind="flow",
            source_type="pr_opened",
            event_kind="control",
            outcome="failed",
            reason="AUTOMATION_PROVIDER_UNAVAILABLE",
            metadata=json.dumps(failure),
            created_at=world.clock.us,
        )
    world.call(
        repo_id=repo,
        job_run_id=job,
        status="failed",
        error="502 from upstream",
        metadata={"pr_number": 12, "flow_node_label": "Review"},
    )


def _run_without_machine(world: RowFactory, repo: str) -> None:
    """Add a run whose sandbox did not boot; its call stays pending (v1.md §7.6)."""
    box = world.sandbox(repo, status="error", error="No machines in this region (503)", sandbox_id="pending")
    call = world.call(
        repo_id=repo,
        started_at=world.clock.us - 5 * MINUTE,
        metadata={"external_request_id": "k", "sandbox_record_id": box, "sandbox_id": "pending"},
    )
    run = world.run(repo, call, status="failed", error="The sandbox is gone")
    world.event(call, "started", payload={"external_run_id": run})


async def test_failed_runs_say_their_cause_and_the_next_step(
    console: ConsoleFactory, world: RowFactory
) -> None:
    repo = world.repo("acme/api")
    _failed_job(world, repo)
    _run_without_machine(world, repo)
    async with console(size=(200, 40)) as ui:
        await ui.sees("#12 Retry uploads · Review", "Bad gateway from model provider: 502")
        # The list of calls shows it as pending; its run has failed.
        text = await ui.sees("sandbox did not boot: No machines in this region (503)")
        assert "○ pending" not in text and text.count("✗ failed") == 2
        await ui.press("/", *"provider_un", "enter", "enter")
        await ui.sees("Model provider unavailable: Bad gateway", "next step", "→ models")
        await ui.press("escape", "escape", ":", *"jobs", "enter")
        await ui.sees("✗ failed", "Bad gateway from model provider: 502")
        await ui.press("enter")
        await ui.sees("Model provider unavailable: Bad gateway", "next step")
