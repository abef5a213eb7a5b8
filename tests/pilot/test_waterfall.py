"""The waterfall shows where the time of a run, a job or an automation went."""

from __future__ import annotations

import re
from typing import Any

from mogplex_tui.controlplane.automation.jobs import node_writes
from tests.controlplane.automation.automation_rows import insert_wait
from tests.controlplane.row_factory import RowFactory

SECOND = 1_000_000


def _run_with_tools(world: RowFactory, **columns: Any) -> None:
    """Insert an ended run of 100 seconds with a tool of 60 s and a failed one of 6 s."""
    start = world.clock.us - 200 * SECOND
    repo = world.repo("acme/api")
    ended = {"status": "success", "model": "acme/nova", "type": "chat", "completed_at": start + 100 * SECOND}
    call_id = world.call(repo_id=repo, started_at=start, **(ended | columns))
    for at, type_, name, fields in (
        (10, "started", None, {"model": "acme/nova"}),
        (10, "status_changed", None, {"from": "pending", "to": "streaming"}),
        (20, "tool_started", "bash", {"tool_call_id": "a", "input": {"command": "make test"}}),
        (80, "tool_finished", "bash", {"tool_call_id": "a", "duration_ms": 60_000, "success": True}),
        (90, "tool_started", "edit", {"tool_call_id": "b", "input": {"path": "src/login.py"}}),
        (96, "tool_finished", "edit", {"tool_call_id": "b", "success": False, "error": "no such file"}),
        (100, "finished", None, {"finish_reason": "stop"}),
    ):
        message = f"Tool failed: {name}" if fields.get("error") else type_
        world.event(
            call_id, type_, tool_name=name, message=message, payload=fields, at=start + at * SECOND
        )  # fmt: skip


async def test_waterfall_of_a_run_shows_bars_and_opens_the_event(console: Any, world: RowFactory) -> None:
    _run_with_tools(world)
    async with console(size=(120, 30)) as ui:
        await ui.sees("acme/api")
        await ui.press("enter")
        await ui.sees("make test")
        await ui.press("g")
        text = await ui.sees("Waterfall", "tools 1m06s · model 24s · queued 10s")
        assert re.search(r"SPAN +0s +\d+s .* 1m30s ", text)
        bars = {name: re.search(rf"  +{name}\S*(?:  \S+ ?\S*)? +(█+) ", text) for name in ("queued", "bash")}
        lengths = {name: len(found[1]) for name, found in bars.items() if found}
        # The tool took six times as long as the queue.
        assert 5 * lengths["queued"] <= lengths["bash"] <= 7 * lengths["queued"]
        assert re.search(r"✗ edit  src/login.py +█+ +6\.0s", text)
        await ui.press("end", "up", "up")
        await ui.press("plus")
        text = await ui.sees("- zoom out")
        assert "‹" in text
        await ui.press("0")
        await ui.loses("- zoom out")
        await ui.press("enter")
        # The event is open on the screen of the run.
        await ui.sees("edit   ✗ failed", "close")
        assert "Waterfall" not in ui.text


async def test_waterfall_of_a_job_nests_calls_and_waits_in_its_steps(console: Any, world: RowFactory) -> None:
    repo, flow, now = world.repo("acme/api"), world.flow(), world.clock.us
    job = world.job(flow, repo, start=True)
    begun = now - 300 * SECOND
    about: Any = {"user_id": world.user, "job_run_id": job, "node_type": "agent"}
    with world.plane.db.transaction() as tx:
        tx.update("job_runs", job, created_at=begun - 20 * SECOND, started_at=begun)
        ask = node_writes.insert_node_run(
            tx, node_id="ask", status="success", created_at=begun, started_at=begun,
            completed_at=begun + 100 * SECOND, duration_ms=100_000, node_label="Ask first",
            output={"decision": "approve"}, **about,
        )  # fmt: skip
        node_writes.insert_node_run(
            tx, node_id="fix", status="running", created_at=begun + 100 * SECOND,
            started_at=begun + 100 * SECOND, node_label="Fix it", **about,
        )  # fmt: skip
    insert_wait(world, job, status="resumed", created_at=begun, resumed_at=begun + 90 * SECOND)
    call = world.call(
        repo_id=repo, job_run_id=job, started_at=begun + 110 * SECOND, status="streaming",
        model="acme/nova", type="agent", metadata={"flow_id": flow, "flow_node_id": "fix"},
    )  # fmt: skip
    command = {"tool_call_id": "t", "input": {"command": "make"}}
    world.event(call, "tool_started", tool_name="bash", payload=command, at=begun + 120 * SECOND)
    async with console(size=(120, 30)) as ui:
        await ui.app.parts.navigation.go("jobs")
        await ui.sees("Review")
        await ui.press("g")
        text = await ui.sees("Waterfall", "Ask first", "◐ bash  make")
        rows = [line for line in text.splitlines() if re.search(r"[█▒▌]", line)]
        names = ["Review acme/api", "queued", "Ask first", "waiting for", "Fix it", "nova", "queued", "bash"]
        assert [name for name, row in zip(names, rows, strict=True) if name not in row] == []
        assert re.search(r"waiting for .* 1m30s", text)
        # A step shows its output below, a call opens its run.
        await ui.press("down", "down", "enter")
        await ui.sees('"decision": "approve"', ask)
        await ui.press("escape", "end", "enter")
        await ui.sees("Waterfall ▸", "make", "streaming", "follow")
