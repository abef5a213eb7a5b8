"""Configured keys replace the defaults, also in the key bar and the help."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mogplex_tui.operate import action_registry
from mogplex_tui.widgets.line_tail import LineTail
from tests.controlplane.row_factory import RowFactory

Run = Callable[..., Any]

CONFIG = """
[keys]
"runs.cancel" = "ctrl+x"
"sandboxes.stop" = ["X"]
"go.back" = ["backspace", "escape"]
go.sandboxes = "f5"
"list.filter" = "B"
"tail.follow" = "F"
"kind.json" = "J"
"kind.copy" = "Y"
"move.down" = ["down", "j"]
"move.up" = "ctrl+k"
"app.help" = "f10"
"view.refresh" = "ctrl+r"
"""


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    action_registry.set_key_overrides({})


def _depth(ui: Any) -> int:
    return len(ui.app.screen_stack)


async def test_configured_keys_run_actions_and_open_screens(console: Run, world: RowFactory) -> None:
    world.sandbox(world.repo("acme/api"))
    world.call(repo_id=world.repo("acme/web"))
    async with console(config=CONFIG, size=(120, 60)) as ui:
        await ui.sees("acme/web", "ctrl+x cancel", "B filter", "f5 Sandboxes", "2 Projects", "f10 help")
        await ui.press("x", "5", "question_mark", "slash")
        assert (_depth(ui), ui.app.current_mode) == (1, "runs")
        await ui.press("ctrl+x")
        await ui.sees("Cancel this run")
        await ui.press("escape", "f5")
        await ui.sees("acme/api", "X stop")
        await ui.press("x")
        assert (_depth(ui), ui.app.current_mode) == (1, "sandboxes")
        await ui.press("X")
        await ui.until(lambda: _depth(ui) == 2, "the question before a stop")
        await ui.press("escape", "f10")
        text = await ui.sees("X           Stop the sandbox: destroys", "f5          Sandboxes.")
        assert "backspace esc" in text and "Y           copy id" in text
        await ui.press("end")
        await ui.sees("ctrl+k      one row up", "↓ j         one row down")
        await ui.press("f10", "colon", *"stop")
        await ui.sees("X      stop", "Stop the sandbox")
        await ui.press("escape")
        # A key that is a letter is one where one types, and sentences name the key that holds.
        await ui.press("B", *"XfYj")
        await ui.sees("No matches in 1 sandbox: XfYj", "backspace clears the filter.")
        assert _depth(ui) == 1
        await ui.press("enter", "backspace")
        await ui.loses("XfYj")
        await ui.press("backspace")
        await ui.sees("acme/web")
        assert ui.app.current_mode == "runs"


async def test_tail_and_its_pane_use_configured_keys(console: Run, world: RowFactory) -> None:
    call_id = world.call(repo_id=world.repo("acme/api"))
    world.start_streaming(call_id)
    for number in range(60):
        world.event(call_id, "log", message=f"line {number}")
    async with console(config=CONFIG, size=(140, 24)) as ui:
        await ui.sees("acme/api")
        await ui.press("enter")
        await ui.sees("following", "line 59", "F follow", "J json")
        tail = ui.app.screen.query_one(LineTail)
        last = tail.cursor_key
        await ui.press("k", "up")
        assert (tail.follow, tail.cursor_key) == (True, last)
        await ui.press("ctrl+k", "ctrl+k")
        await ui.sees("paused")
        await ui.press("j")
        assert not tail.follow and tail.cursor_key != last
        await ui.press("B")
        assert not tail.follow
        await ui.press("F")
        await ui.sees("following")
        await ui.press("J")
        await ui.sees('"agent"')
        await ui.press("y")
        assert ui.app.clipboard == ""
        await ui.press("Y")
        assert '"agent"' in ui.app.clipboard
        await ui.press("backspace")
        await ui.loses('"agent"')


async def test_invalid_override_is_reported_and_ignored(console: Run, world: RowFactory) -> None:
    world.call(repo_id=world.repo("acme/api"))
    wishes = '[keys]\n"runs.cancel" = "q"\n"go.back" = "backspace"\n"list.sort" = "K"\n'
    async with console(config=wishes) as ui:
        await ui.sees("acme/api", "x cancel", "K sort")
        (notice,) = [each for each in ui.app._notifications if each.title == "Keys"]
        assert notice.message.startswith('"go.back" in [keys] of ') and "config.toml" in notice.message
        assert (
            'Write ["backspace", "escape"]. Current keys: esc. 1 other key was not accepted' in notice.message
        )
        await ui.press("x")
        await ui.sees("Cancel this run")
        await ui.press("escape", "K", "c")
        await ui.sees("by cost")
        await ui.press("q")
        assert ui.app.return_value == 0
