"""Every action by its key, from the list, from the record and on marked rows.

The service refuses each, in one way after the other, so that all of it happens to one account: what is on the screen
afterwards, where the console is, and what the ledger says.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, OptionList

from mogplex_tui.controlplane.faults.rules import parse
from mogplex_tui.live.change_ledger import ENDS
from mogplex_tui.live.collection import Entry
from mogplex_tui.operate import executor, kind_rows
from mogplex_tui.operate.kinds.registry import kinds
from mogplex_tui.operate.model import Action, AnyAction, AnyKind, Creation
from mogplex_tui.screens.console_screen import ConsoleScreen
from mogplex_tui.screens.detail_screen import DetailScreen
from mogplex_tui.screens.list_screen import ListScreen
from mogplex_tui.screens.modals.confirm import ConfirmModal
from mogplex_tui.screens.modals.form import FormModal
from mogplex_tui.screens.modals.parameter_prompt import AskModal
from tests.case_share import share_of
from tests.pilot.console import Console
from tests.pilot.kinds.action_bench import (
    EVERY_ACTION,
    GONE_IS_FINE,
    REFUSALS,
    SETTINGS,
    asks_first,
    no_pause,
)
from tests.pilot.kinds.action_bench import action_name as name_of
from tests.pilot.kinds.action_bench import request_of as sent_by
from tests.pilot.kinds.kind_screens import (
    ServiceState,
    collection_in,
    console_on,
    open_detail,
    type_keys,
    wait_for_list,
    wait_for_screen,
    wait_until,
    wait_until_drawn,
)

# Keys whose name is not what stands on them.
KEYS = {"+": "plus"}
# What is typed into the first fields of a form, where it needs more than one.
TYPED = {"agents.create": ("fine", "acme/nova-1", "api")}
PLACED: dict[str, Callable[[AnyAction], bool]] = {
    "the list": lambda verb: True,
    "the record": lambda verb: not isinstance(verb, Creation),
    "marked rows": lambda verb: isinstance(verb, Action) and verb.is_bulk,
}
PLACES = tuple(PLACED)


def _fault(ui: Console, kind: AnyKind, verb: AnyAction, status: int) -> None:
    faults = ui.server.plane.faults
    assert faults is not None
    faults.clear()
    faults.add(parse(f"{sent_by(kind, verb)} {'429' if status == 429 else f'status:{status}'}"))


def _fit(screen: ListScreen, verb: AnyAction, count: int) -> list[Entry[Any]]:
    """Return records that an action is available for; any record for a creation."""
    rows = collection_in(screen).set.rows.values()
    fit = [
        item
        for item in rows
        if item.row is not None
        and (isinstance(verb, Creation) or kind_rows.unavailable_reason(verb, item, screen.session) is None)
    ]
    assert fit, f"no {screen.kind.noun} can be {verb.label}d"
    return fit[:count]


async def _mark(ui: Console, screen: ListScreen, items: list[Entry[Any]]) -> None:
    for item in items:
        assert screen.table.move_cursor_to(item.key)
        await type_keys(ui, "space")
        await wait_until(ui, lambda: item.key in {row.key for row in screen.marked_rows()}, "the mark")


async def _answer(ui: Console, kind: AnyKind, verb: AnyAction, text: str) -> None:
    """Confirm the question of an action, or fill in the form that it shows."""
    asked = ui.app.screen
    if isinstance(asked, FormModal):
        for field in TYPED.get(name_of(kind, verb), (text,)):
            await type_keys(ui, *field, "tab")
        await type_keys(ui, "ctrl+s")
    elif isinstance(asked, AskModal):
        if asked.query(OptionList):
            if asked.query_one(OptionList).highlighted is None:
                await type_keys(ui, "down")
            await type_keys(ui, "enter")
        else:
            await type_keys(ui, *(() if asked.query_one(Input).value else text), "enter")
    else:
        assert isinstance(asked, ConfirmModal), f"{name_of(kind, verb)} does not ask"
        await type_keys(ui, "right", "enter")


async def _carried_out(ui: Console, kind: AnyKind, verb: AnyAction, on: ConsoleScreen, times: int) -> None:
    """Press the key of an action, answer its questions and wait for its end."""
    before = len(ui.app.session.ledger.entries)

    def ends() -> list[tuple[str, str]]:
        entries = list(ui.app.session.ledger.entries)[before:]
        return [(entry.action, entry.state) for entry in entries if entry.state in ENDS]

    await type_keys(ui, KEYS.get(verb.key, verb.key))
    if asks_first(verb):
        asking = AskModal | ConfirmModal | FormModal
        await wait_until(ui, lambda: isinstance(ui.app.screen, asking), f"what {verb.id} asks_first")
        await wait_until_drawn(ui)
        await _answer(ui, kind, verb, "fine")
    await wait_until(ui, lambda: len(ends()) == times, f"the end of {name_of(kind, verb)}")
    assert set(ends()) == {(name_of(kind, verb), "refused")}
    await wait_for_screen(ui, on)


@pytest.mark.parametrize("place", PLACES)
async def test_every_action_runs_by_its_key(
    place: str, every_case: bool, seeded_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "READ_BACK_DELAYS", (0.0,))
    monkeypatch.setattr(executor, "pause", no_pause)
    pressed = [verb for _, verb in EVERY_ACTION if verb.key and PLACED[place](verb)]
    pressed = share_of(pressed, every_case, step=2 if place == "the list" else 3)
    statuses, gone = cycle(REFUSALS), 0
    async with console_on(ServiceState("faults", SETTINGS), seeded_database, tmp_path) as ui:
        for kind in kinds().values():
            found = [verb for verb in kind.all_actions if verb in pressed]
            if not found:
                continue
            await ui.app.parts.navigation.go(kind.name)
            screen = await wait_for_list(ui, kind)
            on: ConsoleScreen = screen
            for verb in found:
                items = _fit(screen, verb, 2 if place == "marked rows" else 1)
                status = next(statuses)
                if status == 404 and name_of(kind, verb) in GONE_IS_FINE:
                    status = next(statuses)
                _fault(ui, kind, verb, status)
                # A record stays open for all actions that are available for it.
                if isinstance(on, DetailScreen) and on.entry().key != items[0].key:
                    await type_keys(ui, "escape")
                    await wait_for_screen(ui, screen)
                    on = screen
                if on is screen:
                    assert screen.table.move_cursor_to(items[0].key)
                if place == "marked rows":
                    await _mark(ui, screen, items)
                elif place == "the record" and on is screen:
                    on = await open_detail(ui, kind)
                ui.app.clear_notifications()
                await _carried_out(ui, kind, verb, on, len(items))
                await wait_until(
                    ui, lambda: len(ui.app._notifications) > 0, f"a word on {name_of(kind, verb)}"
                )
                shown = collection_in(screen).set.rows
                await wait_until(
                    ui,
                    lambda: all(shown[item.key].in_progress is None for item in items),
                    "the change over in the list",
                )
                assert screen.marked_rows() == []
                gone += 1
            if on is not screen:
                await type_keys(ui, "escape")
                await wait_for_screen(ui, screen)
    assert gone == len(pressed)
