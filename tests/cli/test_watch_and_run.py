"""`watch`, `run REPO PROMPT`, and runs and stats in every output format."""

from __future__ import annotations

import csv
import io

import pytest

from mogplex_tui.cli import event_follow
from mogplex_tui.controlplane.calls import call_writes
from mogplex_tui.controlplane.runs import run_writes
from mogplex_tui.controlplane.server import PlaneServer
from tests.cli.support import UNKNOWN_ID, CommandRunner, serve_behind_edge
from tests.controlplane.row_factory import RowFactory


@pytest.fixture(autouse=True)
def _short_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STATE_BLIND", "STATE_EVERY", "STATE_GAP", "METERED_STATE_GAP"):
        monkeypatch.setattr(event_follow, name, 0.05)


def end(factory: RowFactory, run_id: str, status: str = "success") -> None:
    call = str(factory.row("external_agent_runs", run_id)["ai_call_id"])
    with factory.plane.db.transaction() as tx:
        assert call_writes.finish_call(tx, call, status, factory.clock.us, message="over")
        assert run_writes.set_run(tx, run_id, factory.clock.us, status=status)


async def test_watch_prints_each_state_until_run_ends(operator: CommandRunner, factory: RowFactory) -> None:
    run = factory.run(factory.repo("acme/api"))
    command = operator.start("watch", run, "--until", "terminal", "--json")
    await command.wait_for(lambda: '"state":"pending"' in command.out.text)
    end(factory, run)
    result = await command.result()
    assert result.code == 0
    assert [each["state"] for each in result.objects] == ["pending", "success"]
    assert {each["run_id"] for each in result.objects} == {run}
    assert "success" in result.err


async def test_watch_with_token_behind_edge_ends_with_run(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory
) -> None:
    run = factory.run(factory.repo("acme/api"))
    async with serve_behind_edge(plane) as service:
        mogplex.use(service.base_url, token=plane.token)
        command = mogplex.start("watch", run, "--exit-status")
        await command.wait_for(lambda: "pending" in command.out.text)
        end(factory, run, "cancelled")
        result = await command.result()
        reads = [seen.path for seen in service.seen if seen.path.endswith(run)]
    assert (result.code, result.lines) == (1, [f"{run}  pending", f"{run}  cancelled"])
    assert len(reads) >= 2


async def test_watch_of_ended_run_ends_at_once(operator: CommandRunner, factory: RowFactory) -> None:
    run = factory.run(factory.repo("acme/api"))
    end(factory, run, "failed")
    result = await operator("watch", run)
    assert (result.code, result.out) == (0, f"{run}  failed\n")
    assert (await operator("watch", run, "--exit-status")).code == 1
    assert (await operator("watch", run, "--until", "failed")).code == 0
    not_reached = await operator("watch", run, "--until", "success")
    assert not_reached.code == 1


async def test_watch_times_out(operator: CommandRunner, factory: RowFactory) -> None:
    run = factory.run(factory.repo("acme/api"))
    result = await operator("watch", run, "--timeout", "1s")
    assert (result.code, result.out) == (1, f"{run}  pending\n")
    assert "still pending" in result.err


async def test_watch_shows_progress_on_terminal(operator: CommandRunner, factory: RowFactory) -> None:
    run = factory.run(factory.repo("acme/api"))
    command = operator.start("watch", run, terminal=True)
    await command.wait_for(lambda: f"acme/api {run[:8]} is pending …" in command.err.text)
    end(factory, run)
    assert (await command.result()).code == 0


async def test_watch_of_unknown_run_fails(operator: CommandRunner) -> None:
    result = await operator("watch", UNKNOWN_ID)
    assert (result.code, result.out) == (1, "")


async def test_run_starts_run_like_runs_start(operator: CommandRunner, factory: RowFactory) -> None:
    repo = factory.repo("acme/api")
    result = await operator("run", "acme/api", "Fix it", "--harness", "claude-code", "--branch", "topic")
    assert result.code == 0, result.err
    row = factory.row("external_agent_runs", result.out.strip())
    assert (row["repo_id"], row["prompt"], row["harness"]) == (repo, "Fix it", "claude-code")
    assert row["working_branch"] == "topic"
    from_stdin = await operator("run", repo, "-", "--json", stdin="And this\n")
    assert factory.row("external_agent_runs", from_stdin.only_object["run_id"])["prompt"] == "And this"
    refused = await operator("--read-only", "run", "acme/api", "Fix it")
    assert (refused.code, refused.out) == (4, "")


async def test_run_follows_until_run_ends(operator: CommandRunner, factory: RowFactory) -> None:
    factory.repo("acme/api")
    command = operator.start("run", "acme/api", "Fix it", "--follow", "--exit-status", "--json")
    await command.wait_for(lambda: "External Mogplex run accepted" in command.out.text)
    end(factory, str(factory.plane.db.value("SELECT id FROM external_agent_runs")))
    assert (await command.result()).code == 0


async def test_runs_are_listed_in_every_form(operator: CommandRunner, factory: RowFactory) -> None:
    run = factory.run(factory.repo("acme/api"))
    table = await operator("runs", "list")
    wide = await operator("runs", "list", "--output", "wide")
    assert run not in table.out
    call = str(factory.row("external_agent_runs", run)["ai_call_id"])
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


async def test_stats_as_csv_are_names_and_values(operator: CommandRunner, factory: RowFactory) -> None:
    factory.call(model="acme/nova-1", status="success", cost_usd=0.25, cost_source="gateway")
    rows = list(csv.DictReader(io.StringIO((await operator("stats", "-o", "csv")).out)))
    figures = {row["figure"]: row["value"] for row in rows}
    assert figures["cost.day"] == "0.25"
    assert figures["usage.calls"] == "1"
    assert figures["by_model.acme/nova-1.count"] == "1"
