"""`runs waterfall` and `jobs waterfall` print spans with bars, or as JSON."""

from __future__ import annotations

import re

from tests.cli.support import CommandRunner
from tests.controlplane.row_factory import RowFactory

SECOND = 1_000_000


async def test_waterfall_of_a_run_and_of_its_job(operator: CommandRunner, factory: RowFactory) -> None:
    start = factory.clock.us - 500 * SECOND
    repo, flow = factory.repo("acme/api"), factory.flow()
    job = factory.job(flow, repo, start=True)
    call = factory.call(
        repo_id=repo, status="success", started_at=start, completed_at=start + 100 * SECOND, job_run_id=job,
        model="acme/nova", type="chat", cost_usd=0.4, cost_source="gateway",
    )  # fmt: skip
    tool = {"tool_call_id": "t1", "input": {"command": "make test"}}
    factory.event(call, "status_changed", payload={"to": "streaming"}, at=start)
    factory.event(call, "tool_started", tool_name="bash", payload=tool, at=start + 20 * SECOND)
    ended = tool | {"success": False, "error": "exit 2"}
    factory.event(call, "tool_finished", tool_name="bash", payload=ended, at=start + 80 * SECOND)
    text = (await operator("runs", "waterfall", call)).out
    assert "1m40s: tools 1m00s · model 40s" in text
    assert re.search(r"SPAN +0s +15s.* TIME +COST", text)
    assert re.search(r"  ✗ bash +make test +█{30,} +1m00s", text)
    spans = (await operator("runs", "waterfall", call, "--json")).objects
    assert [(span["kind"], span["duration_ms"]) for span in spans] == [
        ("run", 100_000), ("model", 20_000), ("tool", 60_000), ("model", 20_000),
    ]  # fmt: skip
    assert spans[0]["cost_usd"] == "0.4" and spans[2]["succeeded"] is False
    nested = (await operator("jobs", "waterfall", job, "--json")).objects
    assert [(span["depth"], span["kind"]) for span in nested][:4] == [
        (0, "job"), (1, "call"), (2, "model"), (2, "tool"),
    ]  # fmt: skip
    assert (await operator("jobs", "waterfall", job, "-o", "csv")).out.startswith("kind,title,depth,start,")


async def test_milestones_of_a_coding_cli_are_named_as_such(
    operator: CommandRunner, factory: RowFactory
) -> None:
    call = factory.call(
        status="success", metadata={"harness_id": "codex"}, started_at=factory.clock.us - 90 * SECOND
    )
    factory.event(call, "started", payload={"harness_id": "codex"}, at=factory.clock.us - 90 * SECOND)
    factory.event(call, "finished", message="Harness run finished", payload={"exit_code": 0})
    printed = await operator("runs", "waterfall", call)
    assert re.search("no events .* 1m30s", printed.out)
    assert "reports milestones only" in printed.err
