from __future__ import annotations

from mogplex_tui.controlplane.calls.pricing import Tokens
from mogplex_tui.controlplane.db.clock import SECOND_US
from mogplex_tui.controlplane.server import PlaneServer
from tests.cli.support import UNKNOWN, Mogplex, hosted
from tests.controlplane.row_factory import RowFactory


async def test_a_run_is_joined_with_its_call_for_tokens_and_cost(
    operator: Mogplex, world: RowFactory
) -> None:
    repo = world.repo("acme/api")
    call = world.call(
        repo_id=repo,
        model="acme/nova-1",
        started_at=world.clock.us - 2 * SECOND_US,
        status="success",
        tokens=Tokens(1000, 200),
        cost_usd=0.25,
        cost_source="gateway",
    )
    run = world.run(repo, call, status="success", working_branch="fix/it")
    done = await operator("runs", "get", run.upper(), "--json")
    assert done.code == 0
    row = done.one
    assert (row["run_id"], row["call_id"], row["repo"]) == (run, call, "acme/api")
    assert (row["cost_usd"], row["cost_source"], row["tokens"]) == ("0.25", "known", 1200)
    assert (row["state"], row["branch"]) == ("success", "fix/it")
    text = await operator("runs", "get", run)
    facts = dict(line.split(maxsplit=1) for line in text.lines)
    assert facts["state"] == "success"
    assert facts["cost"].startswith("$0.25")
    assert facts["run"] == run


async def test_the_runs_own_row_has_the_last_word_on_its_state(operator: Mogplex, world: RowFactory) -> None:
    repo = world.repo()
    call = world.call(repo_id=repo, status="pending")
    run = world.run(repo, call, status="failed", error="The sandbox could not be launched")
    row = (await operator("runs", "get", run, "--json")).one
    assert (row["state"], row["error"]) == ("failed", "The sandbox could not be launched")


async def test_the_beginning_of_an_id_is_enough_when_it_is_the_only_one(
    operator: Mogplex, world: RowFactory
) -> None:
    call = world.call(id="abcd1111-0000-4000-8000-000000000001")
    world.call(id="abcd2222-0000-4000-8000-000000000002")
    assert (await operator("runs", "get", "abcd1", "--json")).one["id"] == call
    several = await operator("runs", "get", "abcd")
    assert (several.code, several.out) == (2, "")
    assert "abcd1111-0000-4000-8000-000000000001" in several.err
    assert "abcd2222-0000-4000-8000-000000000002" in several.err
    none = await operator("runs", "get", "abce")
    assert none.code == 1
    assert "abce" in none.err


async def test_a_call_is_found_by_its_whole_id(operator: Mogplex, world: RowFactory) -> None:
    call = world.call(type="chat")
    row = (await operator("runs", "get", call, "--json")).one
    assert (row["id"], row["type"], row["run_id"]) == (call, "chat", None)


async def test_an_unknown_id_is_said_to_be_unknown(operator: Mogplex) -> None:
    done = await operator("runs", "get", UNKNOWN)
    assert (done.code, done.out) == (1, "")
    assert UNKNOWN in done.err


async def test_what_is_no_id_is_refused_before_anything_is_sent(mogplex: Mogplex) -> None:
    mogplex.use("http://127.0.0.1:9")
    for text in ("zz", "abc", "../../repos", "acme/api"):
        done = await mogplex("runs", "get", text)
        assert (done.code, done.out) == (2, "")
        assert "is not a run" in done.err


async def test_behind_the_hosted_edge_the_run_is_shown_and_what_is_hidden_is_said(
    mogplex: Mogplex, plane: PlaneServer, world: RowFactory
) -> None:
    repo = world.repo("acme/api")
    run = world.run(repo, status="streaming")
    async with hosted(plane) as service:
        mogplex.use(service.base_url, token=plane.token)
        done = await mogplex("runs", "get", run, "--json")
        # A run that was opened before is known by a prefix of its id.
        again = await mogplex("runs", "get", run[:8], "--json")
        table = await mogplex("runs", "get", run)
    assert done.one["state"] == again.one["state"] == "streaming"
    assert done.one["repo"] == "acme/api"
    assert done.one["cost_usd"] is None
    assert done.err == (
        "The model, tokens and cost of this run need a browser session: mogplex-tui login --session opens it.\n"
    )
    (cost,) = (line.split() for line in table.lines if line.startswith("cost"))
    assert cost == ["cost", "–", "needs", "a", "browser", "session"]


async def test_an_automations_run_is_found_where_only_v1_is_open(
    mogplex: Mogplex, plane: PlaneServer, world: RowFactory
) -> None:
    job = world.job(world.flow(), world.repo("acme/api"), start=True)
    async with hosted(plane) as service:
        mogplex.use(service.base_url, token=plane.token)
        done = await mogplex("runs", "get", job[:8], "--json")
    assert (done.one["job_id"], done.one["source"], done.one["who"]) == (job, "job", "Review")
