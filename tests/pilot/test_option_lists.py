"""Every list of options handles every cursor key in every terminal size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.widgets import OptionList, Select

from mogplex_tui.screens.modals.parameter_prompt import AskModal
from tests.controlplane.row_factory import RowFactory

SIZES = ((120, 40), (40, 12), (20, 6), (10, 3), (40, 2))
MOVES = ("pageup", "pagedown", "home", "end", "up", "down")


async def _ask(ui: Any) -> None:
    await ui.app.push_screen(AskModal("Set the plan", "plan", choices=[("a", "one"), ("b", "two")]))


async def _palette(ui: Any) -> None:
    await ui.press("colon")


async def _palette_without_match(ui: Any) -> None:
    await ui.press("colon", *"zzzzzz")


async def _select(ui: Any) -> None:
    await ui.press("n")
    # The form remembers its project, and then has the focus elsewhere.
    ui.app.screen.query(Select).first().focus()
    await ui.press("enter")
    await ui.until(lambda: ui.app.screen.query("SelectOverlay").first().has_focus, "the open select box")


OPENED: dict[str, Callable[[Any], Any]] = {
    "choices of a question": _ask,
    "palette": _palette,
    "palette without a match": _palette_without_match,
    "select box of the new run": _select,
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("opened", OPENED)
async def test_cursor_keys_in_an_option_list_never_end_the_console(
    console: Callable[..., Any], world: RowFactory, opened: str
) -> None:
    world.call(repo_id=world.repo("acme/web"))
    async with console() as ui:
        await ui.sees("acme/web")
        for size in SIZES:
            await OPENED[opened](ui)
            await ui.until(lambda: ui.app.screen.query(OptionList), "the list of options")
            await ui.pilot.resize_terminal(*size)
            await ui.until(lambda size=size: ui.app.screen.size == size, "the new size")
            await ui.press(*MOVES, "pageup", "enter", "escape", "escape", "escape")
            await ui.pilot.resize_terminal(120, 40)
            await ui.until(lambda: not ui.app.screen.is_modal, "the dialog closed")
            await ui.press("1")
            await ui.sees("acme/web")
