"""One page explains a failure: cause, output, history, dispatch log, next step."""

from __future__ import annotations

from tests.controlplane.row_factory import RowFactory
from tests.pilot.console import ConsoleFactory

HOUR = 3_600_000_000


async def test_failed_run_of_a_job_is_explained_on_one_page(
    console: ConsoleFactory, world: RowFactory
) -> None:
    repo, flow, now = world.repo("acme/api"), world.flow(), world.clock.us
    job = world.job(flow, repo, start=True, pr_number=12, pr_title="Retry uploads")
    about = {"flow_id": flow, "flow_node_label": "Review"}
    world.call(repo_id=repo, status="success", model="acme/star", metadata=about, started_at=now - HOUR)
    call = world.call(
        repo_id=repo, status="failed", error="boom", model="acme/nova", job_run_id=job, metadata=about
    )
    world.event(call, "started", payload={"model": "acme/nova"})
    started = {"tool_call_id": "t1", "input": {"command": "make test"}}
    world.event(call, "tool_started", tool_name="bash", payload=started)
    world.event(
        call, "tool_finished", tool_name="bash",
        payload=started | {"success": False, "error": "exit 2", "output": "17 tests failed", "duration_ms": 4000},
    )  # fmt: skip
    async with console(size=(110, 40)) as ui:
        await ui.sees("failed", "success")
        await ui.press("f", "E")
        text = await ui.sees("Why acme/api", "bash make test", "17 tests failed", "Dispatch", "started")
        assert "Run it again" in text or "run it again" in text
        assert "of the same automation" in text
        assert "nova  (then star)" in text
        await ui.press("enter")
        await ui.sees("explanation ▸", "make test")
        await ui.press("escape", "escape")
        await ui.sees("Why acme/api")
        await ui.press("escape", "f", "G")
        await ui.press("E")
        await ui.sees("This run has not failed.")


async def test_run_with_milestones_only_says_that_nothing_else_is_reported(
    console: ConsoleFactory, world: RowFactory
) -> None:
    call = world.call(status="failed", error="boom", metadata={"harness_id": "codex"})
    world.event(call, "started", payload={"external_run_id": "r"})
    world.event(call, "failed", message="Harness run failed", payload={"exit_code": 7})
    async with console(size=(80, 24)) as ui:
        await ui.sees("failed")
        await ui.press("E")
        await ui.sees("milestones of this run only", "No comparable run succeeded")
