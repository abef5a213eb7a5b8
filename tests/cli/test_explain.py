"""`runs explain` and `jobs explain` print the report that the console shows."""

from __future__ import annotations

from tests.cli.support import CommandRunner
from tests.controlplane.row_factory import RowFactory


async def test_failed_run_and_its_job_are_explained(operator: CommandRunner, factory: RowFactory) -> None:
    repo, flow = factory.repo("acme/api"), factory.flow()
    job = factory.job(flow, repo, start=True)
    with factory.plane.db.transaction() as tx:
        tx.execute("UPDATE job_runs SET status = 'failed', error = 'boom' WHERE id = ?", (job,))
    call = factory.call(repo_id=repo, status="failed", error="boom", job_run_id=job, type="chat")
    tool = {"tool_call_id": "t1", "input": {"command": "make test"}}
    factory.event(
        call, "tool_finished", tool_name="bash", payload=tool | {"output": "No space left on device"}
    )
    factory.event(call, "failed", payload={"error": "boom"})
    text = (await operator("runs", "explain", call)).out
    assert "No space left on device" in text and "NEXT STEP" in text and "DISPATCH" in text
    explained = (await operator("jobs", "explain", job, "--json")).only_object
    assert (explained["object"], explained["job"]) == ("explanation", job)
    assert [step["outcome"] for step in explained["dispatch"]][-1] == "started"
    fine = factory.call(repo_id=repo, status="success", type="chat")
    refused = await operator("runs", "explain", fine)
    assert refused.code == 2 and "has not failed" in refused.err
