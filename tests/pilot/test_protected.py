"""In a protected context what is dangerous wants the context's name typed; everything else is as before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.controlplane.support import World

Run = Callable[..., Any]
ASKED = "test is protected: type its name to go on."


async def test_a_cancel_wants_the_contexts_name(console: Run, world: World) -> None:
    call = world.call(repo_id=world.repo("acme/api"), metadata={"repo": "acme/api"})
    async with console(protected=True) as ui:
        await ui.sees("pending", "test protected")
        await ui.press("x")
        await ui.sees("Cancel this run?", ASKED)
        await ui.press("enter")
        await ui.sees("That is not test. Nothing was done")
        await ui.press(*"tes", "enter")
        await ui.sees("That is not test.")
        assert world.row("ai_calls", call)["status"] == "pending"
        await ui.press("t", "enter")
        await ui.sees("is cancelled.")
        assert world.row("ai_calls", call)["status"] == "cancelled"


async def test_a_context_that_is_not_protected_asks_for_no_name(console: Run, world: World) -> None:
    world.call(repo_id=world.repo("acme/api"), metadata={"repo": "acme/api"})
    async with console() as ui:
        await ui.sees("pending")
        await ui.press("x")
        text = await ui.sees("Cancel this run?")
        assert "protected" not in text


async def test_the_button_does_nothing_without_the_name(console: Run, world: World) -> None:
    call = world.call(repo_id=world.repo("acme/api"), metadata={"repo": "acme/api"})
    async with console(protected=True) as ui:
        await ui.sees("pending")
        await ui.press("x")
        await ui.sees(ASKED)
        await ui.press("tab", "tab", "enter")
        await ui.sees("That is not test.")
        await ui.press("escape")
        await ui.loses("Cancel this run?")
        assert world.row("ai_calls", call)["status"] == "pending"
