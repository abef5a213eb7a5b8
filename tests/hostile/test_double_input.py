"""Double clicks and repeated keys act once, on the screen they were meant for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.controlplane.row_factory import RowFactory
from tests.pilot.conftest import console, server
from tests.pilot.conftest import world as console_world

__all__ = ["console", "console_world", "server"]


# id: (the keys that open a dialog over the runs, what it shows, the widget that is clicked twice)
CLICKS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "keep a run": (("x",), "Cancel this run?", "#keep"),
    "cancel a run": (("x",), "Cancel this run?", "#go"),
    "close the form of a new run": (("n",), "New run", "#keep"),
    "close the form for an id": (("O",), "Open", "#keep"),
}


@pytest.mark.parametrize("opening", CLICKS)
async def test_double_click_in_a_dialog_closes_only_the_dialog(
    console: Callable[..., Any], console_world: RowFactory, opening: str
) -> None:
    keys, shown, target = CLICKS[opening]
    console_world.call(repo_id=console_world.repo("acme/web"), metadata={"repo": "acme/web"})
    async with console() as running:
        await running.sees("acme/web")
        await running.press(*keys)
        await running.sees(shown)
        await running.pilot.click(target, times=2)
        await running.pilot.pause()
        await running.until(lambda: not running.app.screen.is_modal)
        # The console still works.
        await running.press("1")
        await running.sees("acme/web")


@pytest.mark.parametrize("key", ["x", "j", "f", "escape", "r"])
async def test_key_before_the_screen_is_drawn_is_dropped(
    console: Callable[..., Any], console_world: RowFactory, key: str
) -> None:
    call = console_world.call(repo_id=console_world.repo("acme/web"), metadata={"repo": "acme/web"})
    async with console() as running:
        await running.sees("acme/web")
        # In one step, as on a machine so busy that keys arrive before the screen.
        running.app.parts.navigation.open_run(running.app.runs.set.rows[call])
        await running.app._check_bindings(key)
        await running.sees("following")
        await running.press("?")
        await running.sees("Keys")
