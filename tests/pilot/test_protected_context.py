"""In a protected context dangerous actions require its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.controlplane.row_factory import RowFactory
from tests.pilot.approvals import insert_approval

Run = Callable[..., Any]
ASKED = "test is protected. Type its name to confirm."


async def test_cancel_asks_for_the_name_of_a_protected_context(console: Run, world: RowFactory) -> None:
    call = world.call(repo_id=world.repo("acme/api"), metadata={"repo": "acme/api"})
    async with console(protected=True) as ui:
        await ui.sees("pending", "test protected")
        await ui.press("x")
        await ui.sees("Cancel this run?", ASKED)
        await ui.press("enter")
        await ui.sees("The name is not test. Nothing was changed")
        await ui.press(*"tes", "enter")
        await ui.sees("The name is not test.")
        assert world.row("ai_calls", call)["status"] == "pending"
        await ui.press("t", "enter")
        await ui.sees("is cancelled.")
        assert world.row("ai_calls", call)["status"] == "cancelled"


async def test_unprotected_context_requires_no_name(console: Run, world: RowFactory) -> None:
    world.call(repo_id=world.repo("acme/api"), metadata={"repo": "acme/api"})
    async with console() as ui:
        await ui.sees("pending")
        await ui.press("x")
        text = await ui.sees("Cancel this run?")
        assert "protected" not in text


async def test_confirm_button_is_inactive_without_the_name(console: Run, world: RowFactory) -> None:
    call = world.call(repo_id=world.repo("acme/api"), metadata={"repo": "acme/api"})
    async with console(protected=True) as ui:
        await ui.sees("pending")
        await ui.press("x")
        await ui.sees(ASKED)
        await ui.press("tab", "tab", "enter")
        await ui.sees("The name is not test.")
        await ui.press("escape")
        await ui.loses("Cancel this run?")
        assert world.row("ai_calls", call)["status"] == "pending"


async def _sandbox(ui: Any, world: RowFactory) -> str:
    key = world.sandbox(world.repo("acme/api"))
    await ui.app.parts.navigation.go("sandboxes")
    await ui.until(lambda: ui.app.screen.scope == "sandboxes" and ui.app.screen.table.cursor_key, "a row")
    return key


async def test_only_dangerous_actions_ask_for_the_name_of_the_context(
    console: Run, world: RowFactory
) -> None:
    async with console(protected=True) as ui:
        key = await _sandbox(ui, world)
        await ui.press("x")
        await ui.sees("Stop sandbox?", ASKED)
        await ui.press("enter")
        await ui.sees("The name is not test.")
        await ui.press("escape")
        await ui.loses("Stop sandbox?")
        await ui.press("plus")
        text = await ui.sees("Extend sandbox", "inutes to extend the lifetime by")
        assert "protected:" not in text
        await ui.press("enter")
        await ui.sees("is extended")
        assert world.row("sandboxes", key)["status"] == "running"
        await ui.press("x")
        await ui.sees(ASKED)
        await ui.press(*"test", "enter")
        await ui.until(lambda: world.row("sandboxes", key)["status"] == "stopped", "the sandbox stopped")


async def test_dangerous_action_asks_for_text_and_context_name(console: Run, world: RowFactory) -> None:
    key = insert_approval(world, 3600)
    async with console(protected=True) as ui:
        await ui.app.parts.navigation.go("approvals")
        await ui.until(lambda: ui.app.screen.scope == "approvals" and ui.app.screen.table.cursor_key, "a row")
        await ui.press("d")
        await ui.sees("Deny “", "Note (optional)")
        await ui.press(*"later", "enter")
        await ui.sees("The decision is final.", ASKED)
        assert world.row("control_approvals", key)["status"] == "pending"
        await ui.press(*"test", "enter")
        await ui.until(lambda: world.row("control_approvals", key)["status"] == "denied", "the answer")
        assert world.row("control_approvals", key)["resolution_note"] == "later"
