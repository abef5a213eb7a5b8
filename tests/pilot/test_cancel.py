from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.budget import Slot as BudgetSlot
from mogplex_tui.controlplane.faults.rules import parse
from tests.controlplane.row_factory import RowFactory

Run = Callable[..., Any]


def _run(world: RowFactory, **columns: Any) -> tuple[str, str]:
    repo = world.repo("acme/api")
    call_id = world.call(repo_id=repo, metadata={"external_request_id": "k", "repo": "acme/api"}, **columns)
    run_id = world.run(repo, call_id)
    world.event(
        call_id, "started", message="External Mogplex run accepted", payload={"external_run_id": run_id}
    )
    return run_id, call_id


async def _confirm(ui: Any) -> None:
    await ui.press("x")
    await ui.sees("Cancel this run?", "The agent stops")
    await ui.press("right", "enter")


async def test_enter_in_cancel_dialog_keeps_the_run(console: Run, world: RowFactory) -> None:
    _, call_id = _run(world, model="somebody/claude-sonnet-5")
    async with console(size=(60, 24)) as ui:
        await ui.sees("pending")
        await ui.press("x")
        text = await ui.sees("Cancel this run?", "acme/api", "claude-sonnet-5")
        # A model is called as in the list, so that all that is told of a run has room in a line.
        assert re.search(r" claude-sonnet-5 .* [0-9a-f]{8} ", text) and "somebody" not in text
        await ui.press("enter")
        await ui.loses("Cancel this run?")
        assert world.row("ai_calls", call_id)["status"] == "pending"
        await ui.press("x")
        await ui.sees("Cancel this run?")
        await ui.press("escape")
        await ui.loses("Cancel this run?")
        assert world.row("ai_calls", call_id)["control_state"] == "active"


async def test_cancel_from_the_list_ends_call_and_run_and_says_so(
    console: Run, world: RowFactory, tmp_path: Path
) -> None:
    run_id, call_id = _run(world)
    async with console() as ui:
        await ui.sees("pending")
        await _confirm(ui)
        await ui.sees("⊘ cancelled", "is cancelled.")
        assert world.row("ai_calls", call_id)["status"] == "cancelled"
        await ui.until(lambda: world.row("external_agent_runs", run_id)["status"] == "cancelled")
    lines = [json.loads(line) for line in (tmp_path / "state" / "ledger.jsonl").read_text().splitlines()]
    assert [(line["action"], line["state"]) for line in lines] == [
        ("runs.cancel", "sent"),
        ("runs.cancel", "done"),
    ]


async def test_cancel_from_the_run(console: Run, world: RowFactory) -> None:
    run_id, _ = _run(world)
    async with console() as ui:
        await ui.sees("pending")
        await ui.press("enter")
        await ui.sees("following", f"run {run_id[:8]}")
        await _confirm(ui)
        await ui.sees("⊘ cancelled", "Cancellation requested")


async def test_cancel_is_sent_when_polling_has_used_up_the_budget(console: Run, world: RowFactory) -> None:
    _, call_id = _run(world)
    async with console(cookie=False) as ui:
        await ui.sees("pending")
        budget = ui.app.session.budget
        while isinstance(budget.acquire(Priority.TAIL), BudgetSlot):
            pass
        await ui.until(lambda: "API 5" in ui.text and budget.used() >= 50)
        await ui.press("x")
        await ui.sees("Cancel this run?", "of 60 are used, so the service")
        await ui.press("right")
        loop = asyncio.get_running_loop()
        sent: list[float] = []
        send = ui.app.session.client._transport.request

        async def timed(request: Any, priority: Any) -> Any:
            if request.path.endswith("/cancel"):
                sent.append(loop.time())
            return await send(request, priority)

        ui.app.session.client._transport.request = timed
        await ui.press("enter")
        await ui.until(lambda: sent)
        await ui.until(lambda: world.row("ai_calls", call_id)["status"] == "cancelled")


async def test_failed_cancel_shows_the_reason_and_the_real_state(console: Run, world: RowFactory) -> None:
    from mogplex_tui.controlplane.calls import call_writes

    _, call_id = _run(world)
    async with console() as ui:
        await ui.sees("pending")
        await ui.press("x")
        await ui.sees("Cancel this run?")
        world.start_streaming(call_id)
        with world.plane.db.transaction() as tx:
            call_writes.finish_call(tx, call_id, "success", world.clock.us)
        await ui.press("right", "enter")
        await ui.sees("already finished (success)", "✓ success")


@pytest.mark.parametrize("cookie", [False, True], ids=["token alone", "token and session"])
async def test_cancel_without_its_sandbox_is_unconfirmed(
    console: Run, world: RowFactory, cookie: bool
) -> None:
    repo = world.repo("acme/api")
    box = world.sandbox(repo)
    call_id = world.call(repo_id=repo, metadata={"external_request_id": "k", "repo": "acme/api"})
    run_id = world.run(repo, call_id, sandbox_record_id=box, status="streaming")
    world.event(call_id, "started", payload={"external_run_id": run_id})
    world.start_streaming(call_id, "cmd_4", sandbox_record_id=box)
    async with console(cookie=cookie, gate=True) as ui:
        await ui.sees("No runs yet." if not cookie else "◐ streaming")
        # Without a session only runs that were opened by their id are listed.
        await ui.press(*(("enter",) if cookie else ("O", *run_id, "enter")))
        await ui.sees("following", f"run {run_id[:8]}")
        ui.edge.faults.add(parse("GET /api/sandbox/* 503"))
        await _confirm(ui)
        text = await ui.sees("is not confirmed", "◌ cancelling")
        words = " ".join(re.sub(r"[▌▐│]", " ", text).split())
        assert "could not reach the sandbox of run" in words and "Sandbox service not configured" in words
        assert "The request is recorded" in words and "x repeats it" in words
        assert "does not allow this" not in words
        assert world.row("ai_calls", call_id)["control_state"] == "cancel_requested"
        ui.app.clear_notifications()
        # Reading the run again does not forget the request, which v1 keeps to itself.
        await ui.press("r")
        await ui.pilot.pause()
        await ui.sees("◌ cancelling")
        ui.edge.faults.clear()
        await _confirm(ui)
        await ui.sees("⊘ cancelled", "is cancelled.")


async def test_cancel_is_not_offered_for_ended_runs(console: Run, world: RowFactory) -> None:
    world.call(repo_id=world.repo("acme/api"), status="success")
    async with console() as ui:
        await ui.sees("✓ success")
        await ui.press("x")
        await ui.sees("already finished (success)")
        assert "Cancel this run?" not in ui.text


@pytest.mark.parametrize("how", ["flag", "token"])
async def test_read_only_context_offers_no_changes(console: Run, world: RowFactory, how: str) -> None:
    _, call_id = _run(world)
    arguments: dict[str, Any] = {"read_only": True} if how == "flag" else {}
    token: Any = True if how == "flag" else world.token(scopes=("read",))
    async with console(token=token, cookie=False, **arguments) as ui:
        await ui.sees("pending")
        await ui.until(lambda: not ui.app.session.may_write, "the scope being known")
        await ui.loses("x cancel")
        assert "n new run" not in ui.text
        assert "read-only" in (await ui.sees("read-only")).split("\n")[0]
        reason = "This console is read-only." if how == "flag" else "This token is read-only"
        for key in ("x", "n", "space"):
            await ui.press(key)
            await ui.sees(reason)
            ui.app.clear_notifications()
            await ui.loses(reason)
        await ui.press("question_mark")
        text = await ui.sees("Keys", "esc closes")
        assert "Cancel the run" not in text
        assert world.row("ai_calls", call_id)["control_state"] == "active"


async def test_session_with_read_only_token_cancels_and_cannot_start(console: Run, world: RowFactory) -> None:
    _, call_id = _run(world)
    async with console(token=world.token(scopes=("read",))) as ui:
        await ui.sees("pending", "x cancel")
        await ui.until(lambda: ui.app.session.access.can_write is False, "the scope being known")
        await ui.loses("n new run")
        await ui.press("n")
        await ui.sees("This token is read-only; use one with the write scope.")
        ui.app.clear_notifications()
        await ui.press("question_mark")
        text = await ui.sees("Keys", "Cancel the run")
        assert "Start a run" not in text and "Actions that change something are hidden" not in text
        await ui.press("escape")
        await _confirm(ui)
        await ui.sees("⊘ cancelled", "is cancelled.")
        assert world.row("ai_calls", call_id)["status"] == "cancelled"


async def test_automation_run_cannot_be_cancelled_with_a_token_alone(console: Run, world: RowFactory) -> None:
    repo = world.repo("acme/api")
    world.job(world.flow(), repo, start=True, repo_full_name="acme/api")
    async with console(cookie=False, gate=True) as ui:
        await ui.sees("◐ running")
        await ui.press("x")
        await ui.sees("Cancels of an automation's runs")
