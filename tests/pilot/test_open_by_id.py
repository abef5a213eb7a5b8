"""Open a run, a call or a job by its id, also with a session alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.widgets import Input

from mogplex_tui.controlplane.db.clock import HOUR_US
from tests.controlplane.row_factory import RowFactory

Run = Callable[..., Any]
COOKIE = {"gate": True, "token": False}


async def _open(ui: Any, asked: str) -> None:
    await ui.press("O")
    await ui.until(lambda: ui.app.screen.query("Input"), "the dialog")
    ui.app.screen.query_one(Input).value = asked
    await ui.press("enter")


async def test_opening_a_run_by_id_requires_a_token(console: Run, world: RowFactory) -> None:
    repo = world.repo("acme/api")
    call = world.call(repo_id=repo, model="acme/first", status="success")
    run = world.run(repo, call)
    async with console(**COOKIE) as ui:
        await ui.sees("first")
        await ui.press("O")
        await ui.sees("(run IDs need a token)")
        await ui.press("escape")
        await _open(ui, f"https://mogplex.com/runs/{run}")

        def messages() -> str:
            return " ".join(each.message for each in ui.app._notifications)

        await ui.until(messages, "a sentence")
        assert "the id of a run cannot be looked up without a token" in messages()
        assert "mogplex-tui login --token adds one" in messages()


async def test_without_a_token_old_calls_and_jobs_open_by_their_ids(console: Run, world: RowFactory) -> None:
    repo, then = world.repo("acme/api"), world.clock.us - 9 * HOUR_US
    old = world.call(repo_id=repo, type="chat", model="acme/oldest", status="success", started_at=then)
    world.event(old, "started", message="Chat run started", at=then)
    job = world.job(world.flow(), repo, start=True, base_ref="develop")
    for second in range(105):
        world.call(repo_id=repo, status="success", started_at=world.clock.us - second * 1_000_000)
    async with console(**COOKIE) as ui:
        await ui.sees("showing 100 of")
        await _open(ui, old)
        await ui.sees("oldest", "Chat run started")
        await ui.press("escape")
        await _open(ui, job)
        await ui.sees("develop", "No events yet.")
        with world.plane.db.transaction() as tx:
            tx.update("job_runs", job, status="failed", error="boom", completed_at=world.clock.us)
        await ui.press("r")
        await ui.sees("✗ failed")
        await ui.press("escape")
        # The list holds calls; the job is not one of them.
        await ui.until(lambda: job not in ui.app.runs.set.rows, "the list without the job")


async def test_failed_run_shows_the_base_branch_of_its_events(console: Run, world: RowFactory) -> None:
    repo = world.repo("acme/api")
    call = world.call(
        repo_id=repo,
        status="failed",
        error="Agent run exited with code 1.",
        metadata={"external_request_id": "k1", "harness_id": "codex", "base_branch": "develop"},
    )
    run = world.run(repo, call, status="failed", base_branch="develop")
    world.event(call, "started", payload={"external_run_id": run})
    world.event(call, message="Synchronized main", payload={"stage": "git_sync", "base_branch": "develop"})
    for given in (COOKIE, {"gate": True}, {"gate": True, "cookie": False}):
        async with console(**given, directory=None) as ui:
            if given.get("cookie", True):
                await ui.sees("failed")
                await ui.press("enter")
            else:
                await ui.sees("No runs yet")
                await _open(ui, run)
            await ui.sees("Synchronized main")
            await ui.until(lambda: "base" in ui.text and "develop" in ui.text, f"the base with {given}")
