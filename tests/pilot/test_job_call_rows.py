"""Work that calls and jobs both list is one row while a session comes and goes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from mogplex_tui.controlplane.calls.pricing import Tokens
from mogplex_tui.controlplane.db.clock import SECOND_US
from tests.controlplane.row_factory import RowFactory

Run = Callable[..., Any]


def _failed_job(world: RowFactory) -> str:
    """Insert a failed job with two calls, one of them failed; return its id."""
    repo, now = world.repo("acme/api"), world.clock.us
    flow = world.flow()
    # Older work, so that the calls of the job are not at the edge of what is known.
    world.call(
        repo_id=repo, type="chat", model="acme/kimi", status="success", started_at=now - 90 * SECOND_US
    )
    job = world.job(flow, repo, start=True, repo_full_name="acme/api")
    for status, tokens in (("success", Tokens(1000, 200)), ("failed", Tokens(300, 40))):
        world.call(
            repo_id=repo,
            type="pr_review",
            model="acme/nova-1",
            status=status,
            job_run_id=job,
            tokens=tokens,
            cost_usd=0.25,
            cost_source="gateway",
            completed_at=now,
        )
    _end(world, job)
    return job


def _end(world: RowFactory, job: str) -> None:
    with world.plane.db.transaction() as tx:
        tx.update("job_runs", job, status="failed", error="boom", completed_at=world.clock.us)


def _sign_out(world: RowFactory) -> list[dict[str, Any]]:
    kept = [dict(row) for row in world.plane.db.all("SELECT * FROM sessions")]
    with world.plane.db.transaction() as tx:
        tx.execute("DELETE FROM sessions")
    return kept


def _sign_in(world: RowFactory, kept: list[dict[str, Any]]) -> None:
    with world.plane.db.transaction() as tx:
        for row in kept:
            tx.insert("sessions", **row)


def _rows(ui: Any) -> list[str]:
    """Return the type and state of each row in the table of runs."""
    known, shown = ui.app.runs.set.rows, ui.app.screen.table.visible_keys
    return sorted(f"{known[key].source.value} {known[key].state}" for key in shown if key in known)


CALLS = ["call failed", "call success", "call success"]
JOBS = ["call success", "job failed"]


async def test_ended_session_leaves_one_row_for_a_job(console: Run, world: RowFactory) -> None:
    _failed_job(world)
    async with console(gate=True) as ui:
        await ui.until(lambda: _rows(ui) == CALLS, "the calls")
        await ui.sees("1 failed today")
        kept = _sign_out(world)
        await ui.press("r")
        await ui.until(lambda: "job failed" in _rows(ui), "the job")
        assert _rows(ui) == JOBS
        # What its calls told of model, tokens and cost stays.
        text = await ui.sees("1+ failed today", "nova-1", "$0.50", "1.5k")
        assert text.count("✗ failed") == 1
        _sign_in(world, kept)
        await ui.press("r")
        await ui.until(lambda: _rows(ui) == CALLS, "the calls again")


async def test_cached_jobs_are_counted_once_without_a_session(console: Run, world: RowFactory) -> None:
    _failed_job(world)
    run = partial(console, gate=True, draw_every_change=True)
    async with run() as ui:
        await ui.until(lambda: _rows(ui) == CALLS, "the calls")
    async with run(cookie=False) as ui:
        await ui.until(lambda: "job failed" in _rows(ui), "the job")
        assert _rows(ui) == JOBS
        await ui.sees("1+ failed today", "nova-1", "$0.50")
    # What was kept of that is counted once from the first frame on, and no call is missing afterwards.
    async with run(cookie=False) as ui:
        assert _rows(ui) == JOBS
        await ui.sees("$0.50")
    async with run() as ui:
        await ui.until(lambda: _rows(ui) == CALLS, "the calls again")


async def test_job_read_without_a_session_shows_no_cost(console: Run, world: RowFactory) -> None:
    repo = world.repo("acme/api")
    job = world.job(world.flow(), repo, start=True)
    world.call(
        repo_id=repo,
        type="pr_review",
        model="acme/nova-1",
        status="success",
        job_run_id=job,
        tokens=Tokens(1000, 200),
        cost_usd=0.25,
        cost_source="gateway",
    )
    async with console(gate=True) as ui:
        await ui.sees("$0.25")
        _sign_out(world)
        await ui.press("r")
        await ui.until(lambda: _rows(ui) == ["job running"], "the job alone")
        _end(world, job)
        await ui.press("r")
        await ui.loses("$0.25")


async def test_job_of_a_failed_run_is_requeued_from_list_and_screen(console: Run, world: RowFactory) -> None:
    job = _failed_job(world)
    async with console() as ui:
        await ui.until(lambda: _rows(ui) == CALLS, "the calls")
        await ui.press("slash", *"state:failed", "enter")
        await ui.sees("1 of 3", "Q requeue")
        assert "repair" not in ui.text.split("\n")[-1]
        await ui.press("P")
        await ui.until(lambda: ui.app._notifications, "why the job is not repaired")
        (notice,) = ui.app._notifications
        assert notice.message == "Only a pending job can be repaired; this one is failed."
        await ui.press("Q")
        await ui.sees("Requeue job?", "A new job runs the published version")
        await ui.press("escape", "enter")
        await ui.sees("following", "Q requeue")
        await ui.press("Q")
        await ui.sees("Requeue job?")
        await ui.press("right", "enter")
        await ui.sees("runs again as job")
        again = world.plane.db.all("SELECT id FROM job_runs WHERE retry_of_job_run_id = ?", (job,))
        assert len(again) == 1


async def test_pending_job_is_repaired_on_its_screen(console: Run, world: RowFactory) -> None:
    repo = world.repo("acme/api")
    job = world.job(world.flow(), repo, repo_full_name="acme/api")
    with world.plane.db.transaction() as tx:
        tx.update("job_runs", job, created_at=world.clock.us - 300 * SECOND_US)
    async with console() as ui:
        await ui.press("O")
        await ui.sees("Open")
        await ui.press(*job, "enter")
        await ui.sees("○ pending", "P repair")
        await ui.press("P")
        await ui.sees("◐ running")
        await ui.loses("P repair")
