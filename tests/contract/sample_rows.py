"""Create one row of everything, in the states that change the shape of an answer."""

from __future__ import annotations

from typing import Any

from mogplex_tui.controlplane.automation.jobs import job_writes, node_writes
from mogplex_tui.controlplane.calls import call_writes
from mogplex_tui.controlplane.calls.pricing import Tokens
from mogplex_tui.controlplane.db.clock import HOUR_US
from mogplex_tui.controlplane.sandboxes import sandbox_writes
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory


def insert_sample_rows(factory: RowFactory, clock: ManualClock) -> None:
    """Create one row of everything, each in the states that change its shape."""
    factory.model("acme/nova-1", pricing_input=2e-6, pricing_output=1e-5, context_length=200_000)
    factory.model("acme/bare")
    repo = factory.repo(root_directory="apps/web")
    factory.repo("acme/uncovered", github_installation_id=None, default_branch=None)
    box = factory.sandbox(
        repo, install_log="added 1 package", dev_log=None, preview_url="https://x.example.dev"
    )
    factory.sandbox(repo, status="creating", sandbox_id="pending", working_branch="feat/x")
    agent = factory.agent()
    flow = factory.flow(agent)
    factory.flow(published=False)
    finished = factory.job(flow, repo, start=True)
    factory.job(flow, repo)
    _insert_job_parts(factory, clock, finished, repo)
    call = factory.call(repo_id=repo, metadata={"sandbox_record_id": box})
    factory.run(repo, call, sandbox_record_id=box)
    factory.start_streaming(call, source="cli")
    factory.event(
        call, "tool_started", message="Tool started: bash", tool_name="bash", payload={"input": "ls"}
    )
    factory.call(status="failed", error="boom", completed_at=clock.us, duration_ms=1)
    factory.call(
        model="acme/nova-1",
        type="chat",
        status="success",
        tokens=Tokens(10, 5, 3, 2, 1),
        gateway_generation_id="gen_1",
        gateway_generation_ids=["gen_1"],
        conversation_id="talk",
        tool_calls=[
            {
                "name": "bash",
                "input": {"c": "ls"},
                "input_preview": "ls",
                "output_preview": "ok",
                "duration_ms": 4,
            }
        ],
        metadata={"sandbox_record_id": "gone"},
    )
    with factory.plane.db.transaction() as tx:
        sandbox_writes.lifecycle_event(
            tx, box, "auto_pause_decision", clock.us, decision_code="would_auto_pause"
        )


def _insert_job_parts(factory: RowFactory, clock: ManualClock, job: str, repo: str) -> None:
    """Insert a call, events, nodes, a wait and a finding of a finished job."""
    call = factory.call(job_run_id=job, repo_id=repo, model="acme/nova-1", type="pr_review")
    factory.event(call, "log", message="Installed codex", payload={"stage": "install"})
    about: dict[str, Any] = {"user_id": factory.user, "job_run_id": job, "created_at": clock.us - HOUR_US}
    with factory.plane.db.transaction() as tx:
        node = node_writes.insert_node_run(
            tx, node_id="agent-1", node_type="agent", status="running", started_at=clock.us - 5_000, **about
        )
        node_writes.finish_node_run(tx, node, "success", clock.us, output={"ok": True})
        node_writes.insert_node_run(tx, node_id="end", node_type="end", status="pending", **about)
        wait = node_writes.insert_wait(
            tx, node_id="ask", wait_kind="manual_approval", wait_config={"kind": "manual_approval"}, **about
        )
        node_writes.end_wait(tx, wait, "resumed", clock.us, {"approved": True})
        node_writes.insert_finding(
            tx, ordinal=0, severity="warning", title="T", body="B", fingerprint="f", **about
        )
        call_writes.finish_call(tx, call, "success", clock.us, tokens=Tokens(10, 5))
        job_writes.finish(
            tx, job, "success", clock.us, reason="PR_REVIEW_POSTED", input_tokens=10, output_tokens=5
        )
