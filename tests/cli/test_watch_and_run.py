"""`watch`, `run REPO PROMPT`, and runs and stats in every output format."""

from __future__ import annotations

import csv
import io

import pytest

from mogplex_tui.cli import event_follow
from mogplex_tui.controlplane.calls import call_writes
from mogplex_tui.controlplane.runs import run_writes
from mogplex_tui.controlplane.server import PlaneServer
from tests.cli.support import UNKNOWN, Mogplex, hosted
from tests.controlplane.row_factory import RowFactory


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STATE_BLIND", "STATE_EVERY", "STATE_GAP", "METERED_STATE_GAP"):
        monkeypatch.setattr(event_follow, name, 0.05)


def end(world: RowFactory, run_id: str, status: str = "success") -> None:
    call = str(world.row("external_agent_runs", run_id)["ai_call_id"])
    with world.plane.db.transaction() as tx:
        assert call_writes.finish_call(tx, call, status, world.clock.us, message="over")
        assert run_writes.set_run(tx, run_id, world.clock.us, status=status)


async def test_a_watch_ends_with_its_run_and_says_each_state_once(
    operator: Mogplex, world: RowFactory
) -> None:
    run = world.run(world.repo("acme/api"))
    going = operator.begin("watch", run, "--until", "terminal", "--json")
    await going.until(lambda: '"state":"pending"' in going.out.text)
    end(world, run)
    done = await going.done()
    assert done.code == 0
    assert [each["state"] for each in done.objects] == ["pending", "success"]
    assert {each["run_id"] for each in done.objects} == {run}
    assert "success" in done.err


async def test_a_watch_by_a_token_behind_the_hosted_edge_ends_with_its_run(
    mogplex: Mogplex, plane: PlaneServer, world: RowFactory
) -> None:
    run = world.run(world.repo("acme/api"))
    async with hosted(plane) as service:
        mogplex.use(service.base_url, token=plane.token)
        going = mogplex.begin("watch", run, "--exit-status")
        await going.until(lambda: "pending" in going.out.text)
        end(world, run, "cancelled")
        done = await going.done()
        reads = [seen.path for seen in service.seen if seen.path.endswith(run)]
    assert (done.code, done.lines) == (1, [f"{run}  pending", f"{run}  cancelled"])
    assert len(reads) >= 2


async def test_a_watch_of_what_is_over_ends_at_once(operator: Mogplex, world: RowFactory) -> None:
    run = world.run(world.repo("acme/api"))
    end(world, run, "failed")
    done = await operator("watch", run)
    assert (done.code, done.out) == (0, f"{run}  failed\n")
    assert (await operator("watch", run, "--exit-status")).code == 1
    assert (await operator("watch", run, "--until", "failed")).code == 0
    missed = await operator("watch", run, "--until", "success")
    assert missed.code == 1


async def test_a_watch_can_give_up(operator: Mogplex, world: RowFactory) -> None:
    run = world.run(world.repo("acme/api"))
    done = await operator("watch", run, "--timeout", "1s")
    assert (done.code, done.out) == (1, f"{run}  pending\n")
    assert "still pending" in done.err


async def test_a_watch_shows_a_terminal_that_it_waits(operator: Mogplex, world: RowFactory) -> None:
    run = world.run(world.repo("acme/api"))
    going = operator.begin("watch", run, terminal=True)
    await going.until(lambda: f"acme/api {run[:8]} is pending …" in going.err.text)
    end(world, run)
    assert (await going.done()).code == 0


async def test_a_watch_of_nothing_fails(operator: Mogplex) -> None:
    done = await operator("watch", UNKNOWN)
    assert (done.code, done.out) == (1, "")


async def test_run_starts_what_runs_start_starts(operator: Mogplex, world: RowFactory) -> None:
    repo = world.repo("acme/api")
    done = await operator("run", "acme/api", "Fix it", "--harness", "claude-code", "--branch", "topic")
    assert done.code == 0, done.err
    row = world.row("external_agent_runs", done.out.strip())
    assert (row["repo_id"], row["prompt"], row["harness"]) == (repo, "Fix it", "claude-code")
    assert row["working_branch"] == "topic"
    from_stdin = await operator("run", repo, "-", "--json", stdin="And this\n")
    assert world.row("external_agent_runs", from_stdin.one["run_id"])["prompt"] == "And this"
    refused = await operator("--read-only", "run", "acme/api", "Fix it")
    assert (refused.code, refused.out) == (4, "")


async def test_run_follows_to_the_end(operator: Mogplex, world: RowFactory) -> None:
    world.repo("acme/api")
    going = operator.begin("run", "acme/api", "Fix it", "--follow", "--exit-status", "--json")
    await going.until(lambda: "External Mogplex run accepted" in going.out.text)
    end(world, str(world.plane.db.value("SELECT id FROM external_agent_runs")))
    assert (await going.done()).code == 0


async def test_runs_are_listed_in_every_form(operator: Mogplex, world: RowFactory) -> None:
    run = world.run(world.repo("acme/api"))
    table = await operator("runs", "list")
    wide = await operator("runs", "list", "--output", "wide")
    assert run not in table.out
    call = str(world.row("external_agent_runs", run)["ai_call_id"])
    assert call in wide.out
    assert (await operator("runs", "list", "-o", "json")).out == (
        await operator("runs", "list", "--json")
    ).out
    (row,) = csv.DictReader(io.StringIO((await operator("runs", "list", "-o", "csv")).out))
    assert (row["call_id"], row["repo"], row["state"]) == (call, "acme/api", "pending")
    assert row["cost_usd"] == ""
    assert row["created_at"].endswith("Z")
    assert len((await operator("runs", "list", "-o", "csv", "needle")).lines) == 1
    (one,) = csv.DictReader(io.StringIO((await operator("runs", "get", run, "-o", "csv")).out))
    assert one["call_id"] == call


async def test_stats_are_figures_in_a_table_for_programs(operator: Mogplex, world: RowFactory) -> None:
    world.call(model="acme/nova-1", status="success", cost_usd=0.25, cost_source="gateway")
    rows = list(csv.DictReader(io.StringIO((await operator("stats", "-o", "csv")).out)))
    figures = {row["figure"]: row["value"] for row in rows}
    assert figures["cost.day"] == "0.25"
    assert figures["usage.calls"] == "1"
    assert figures["by_model.acme/nova-1.count"] == "1"
