from __future__ import annotations

from mogplex_tui.controlplane.calls.pricing import Tokens
from mogplex_tui.controlplane.db.clock import SECOND_US
from mogplex_tui.controlplane.server import PlaneServer
from tests.cli.support import UNKNOWN_ID, CommandRunner, serve_behind_edge
from tests.controlplane.row_factory import RowFactory


async def test_run_is_joined_with_its_call(operator: CommandRunner, factory: RowFactory) -> None:
    repo = factory.repo("acme/api")
    call = factory.call(
        repo_id=repo,
        model="acme/nova-1",
        started_at=factory.clock.us - 2 * SECOND_US,
        status="success",
        tokens=Tokens(1000, 200),
        cost_usd=0.25,
        cost_source="gateway",
    )
    run = factory.run(repo, call, status="success", working_branch="fix/it")
    result = await operator("runs", "get", run.upper(), "--json")
    assert result.code == 0
    row = result.only_object
    assert (row["run_id"], row["call_id"], row["repo"]) == (run, call, "acme/api")
    assert (row["cost_usd"], row["cost_source"], row["tokens"]) == ("0.25", "known", 1200)
    assert (row["state"], row["branch"]) == ("success", "fix/it")
    text = await operator("runs", "get", run)
    facts = dict(line.split(maxsplit=1) for line in text.lines)
    assert facts["state"] == "success"
    assert facts["cost"].startswith("$0.25")
    assert facts["run"] == run


async def test_state_is_that_of_the_run_not_the_call(operator: CommandRunner, factory: RowFactory) -> None:
    repo = factory.repo()
    call = factory.call(repo_id=repo, status="pending")
    run = factory.run(repo, call, status="failed", error="The sandbox could not be launched")
    row = (await operator("runs", "get", run, "--json")).only_object
    assert (row["state"], row["error"]) == ("failed", "The sandbox could not be launched")


async def test_unique_prefix_of_id_is_enough(operator: CommandRunner, factory: RowFactory) -> None:
    call = factory.call(id="abcd1111-0000-4000-8000-000000000001")
    factory.call(id="abcd2222-0000-4000-8000-000000000002")
    assert (await operator("runs", "get", "abcd1", "--json")).only_object["id"] == call
    several = await operator("runs", "get", "abcd")
    assert (several.code, several.out) == (2, "")
    assert "abcd1111-0000-4000-8000-000000000001" in several.err
    assert "abcd2222-0000-4000-8000-000000000002" in several.err
    none = await operator("runs", "get", "abce")
    assert none.code == 1
    assert "abce" in none.err


async def test_call_is_found_by_id(operator: CommandRunner, factory: RowFactory) -> None:
    call = factory.call(type="chat")
    row = (await operator("runs", "get", call, "--json")).only_object
    assert (row["id"], row["type"], row["run_id"]) == (call, "chat", None)


async def test_unknown_id_fails(operator: CommandRunner) -> None:
    result = await operator("runs", "get", UNKNOWN_ID)
    assert (result.code, result.out) == (1, "")
    assert UNKNOWN_ID in result.err


async def test_invalid_id_is_refused_before_a_request(mogplex: CommandRunner) -> None:
    mogplex.use("http://127.0.0.1:9")
    for text in ("zz", "abc", "../../repos", "acme/api"):
        result = await mogplex("runs", "get", text)
        assert (result.code, result.out) == (2, "")
        assert "is not a run" in result.err


async def test_run_behind_edge_names_hidden_values(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory
) -> None:
    repo = factory.repo("acme/api")
    run = factory.run(repo, status="streaming")
    async with serve_behind_edge(plane) as service:
        mogplex.use(service.base_url, token=plane.token)
        result = await mogplex("runs", "get", run, "--json")
        # A run that was opened before is known by a prefix of its id.
        repeated = await mogplex("runs", "get", run[:8], "--json")
        table = await mogplex("runs", "get", run)
    assert result.only_object["state"] == repeated.only_object["state"] == "streaming"
    assert result.only_object["repo"] == "acme/api"
    assert result.only_object["cost_usd"] is None
    assert result.err == (
        "The model, tokens and cost of this run need a browser session: mogplex-tui login --session opens it.\n"
    )
    (cost,) = (line.split() for line in table.lines if line.startswith("cost"))
    assert cost == ["cost", "–", "needs", "a", "browser", "session"]


async def test_automation_run_is_found_over_v1(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory
) -> None:
    job = factory.job(factory.flow(), factory.repo("acme/api"), start=True)
    async with serve_behind_edge(plane) as service:
        mogplex.use(service.base_url, token=plane.token)
        result = await mogplex("runs", "get", job[:8], "--json")
    assert (result.only_object["job_id"], result.only_object["source"], result.only_object["who"]) == (
        job,
        "job",
        "Review",
    )
