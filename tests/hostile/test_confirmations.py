"""No change is sent before its confirmation is answered, however fast keys come."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from textual.events import Key, Paste

from mogplex_tui.api.target import Target
from mogplex_tui.app import ConsoleApp
from mogplex_tui.config.secret import Secret
from mogplex_tui.config.settings import load
from mogplex_tui.controlplane.core.plane import Plane
from mogplex_tui.live.collection import Entry
from mogplex_tui.operate import kind_rows
from mogplex_tui.operate.kind_rows import unavailable_reason
from mogplex_tui.operate.kinds.registry import kinds
from mogplex_tui.operate.model import AnyAction, AnyKind
from mogplex_tui.operate.run_actions import CANCEL
from mogplex_tui.screens.confirmations import asked_parameters
from mogplex_tui.screens.list_screen import ListScreen
from tests.case_share import share_of
from tests.hostile.recording_proxy import RecordingProxy
from tests.pilot.console import Console, run_console
from tests.pilot.kinds.action_bench import asks_first
from tests.pilot.kinds.kind_screens import (
    SEEDED,
    collection_in,
    running_plane,
    wait_for_list,
    wait_until,
    wait_until_drawn,
)

# Actions without a dialog, with the reason why they need none.
UNASKED = {
    "assignments.enable": "disable takes it back",
    "automations.activate": "pause takes it back",
    "automations.duplicate": "the copy is inactive and can be deleted",
    "connections.enable": "disable takes it back",
    "connections.disable": "enable takes it back, nothing is stopped",
    "connections.test": "changes nothing but the time of the last test",
    "installations.sync": "reads the repositories again",
    "jobs.repair": "repeats what failed; a job that is well refuses it",
    "mcp-servers.enable": "disable takes it back",
    "mcp-servers.disable": "enable takes it back, nothing is stopped",
    "models.enable": "disable takes it back",
    "models.dismiss-new": "marks an announcement as seen, no model is different",
    "projects.favorite": "unfavorite takes it back",
    "projects.unfavorite": "favorite takes it back",
    "projects.hide": "show takes it back",
    "projects.show": "hide takes it back",
    "projects.snapshot": "takes the place of an image of the same repository",
    "projects.sync": "reads the repositories again, nothing is deleted",
    "provider-keys.verify": "changes nothing but the time of the last check",
    "sandboxes.reconcile": "corrects the record after its machine",
    "sandboxes.pause": "resume takes it back",
    "sandboxes.resume": "pause takes it back",
    "triggers.enable": "disable takes it back",
}
# Actions whose dialog has a default that Enter accepts, with the reason why it may.
ENTER_ANSWERS = {
    "sandboxes.extend": "the question offers 30 minutes more, which stops nothing",
    "members.role": "the question stands at the present role, which changes nothing",
    "settings.edit": "the question stands at the present value, which changes nothing",
}

EVERY_ACTION = [(kind, action) for kind in kinds().values() for action in kind.all_actions]
NAMES = {"+": ("plus", "+"), "\n": ("enter", "\r"), ":": ("colon", ":"), " ": ("space", " ")}


def _name(kind: AnyKind, action: AnyAction) -> str:
    return f"{kind.name}.{action.id}"


def test_unconfirmed_actions_are_listed_with_a_reason() -> None:
    unasked = {_name(kind, action) for kind, action in EVERY_ACTION if not asks_first(action)}
    assert unasked == set(UNASKED)


def _keys(ui: Console, *keys: str) -> None:
    """Send keys in one step, without waiting for any of them."""
    for key in keys:
        name, letter = NAMES.get(key, (key, key if len(key) == 1 else None))
        ui.app.post_message(Key(name, letter))


async def _paste(ui: Console, key: str, _: str) -> None:
    ui.app.post_message(Paste(f"{key}\n"))
    _keys(ui, key)
    ui.app.post_message(Paste(f"{key}\n"))


async def _double_click(ui: Console, key: str, _: str) -> None:
    _keys(ui, key)
    await _wait_until_handled(ui)
    # On the text of the dialog, then outside of it: neither is a button.
    over = ui.app.screen
    if over.is_modal:
        await wait_until(ui, lambda: over.query(".line, .label"), "the text of the dialog")
        await ui.pilot.click(over.query(".line, .label").first(), times=2)
    await ui.pilot.click(offset=(110, 2), times=2)


def _sending(*keys: str) -> Callable[[Console, str, str], Awaitable[None]]:
    """Return an attack that sends an action's key, followed by these keys."""

    async def send(ui: Console, key: str, _: str) -> None:
        _keys(ui, key, *keys)

    return send


async def _own_key_again(ui: Console, key: str, _: str) -> None:
    _keys(ui, *[key] * 3)


async def _palette(ui: Console, _: str, title: str) -> None:
    _keys(ui, ":", *title, "\n", "\n", "\n")


ATTACKS: dict[str, Callable[[Console, str, str], Awaitable[None]]] = {
    "enter behind it": _sending("\n"),
    "y behind it": _sending("y"),
    "held enter": _sending(*"\n" * 20),
    "its own key again": _own_key_again,
    "bracketed paste": _paste,
    "palette typed fast": _palette,
    "double click": _double_click,
}


LONG = os.environ.get("MOGPLEX_TEST_LONG") == "1"


def _cases(every_case: bool) -> Iterator[tuple[AnyKind, AnyAction, tuple[str, ...]]]:
    """Yield the actions to attack with their attacks; in the long form all with all.

    Actions without parameters share one dialog, so that the short form tries each attack on one of them. An action
    with parameters has a dialog of its own: it meets a held enter and one more attack. Every second of these is
    attacked, and each of them with `every_case`.
    """
    asked = [
        (kind, action)
        for kind, action in EVERY_ACTION
        if action.key and _name(kind, action) not in {*UNASKED, *ENTER_ANSWERS}
    ]
    plain = [each for each in asked if not asked_parameters(each[1])]
    if LONG:
        yield from ((kind, action, tuple(ATTACKS)) for kind, action in asked)
        return
    assert len(plain) > len(ATTACKS)
    yield from ((*each, (attack,)) for each, attack in zip(plain[::3], ATTACKS, strict=False))
    others = cycle([attack for attack in ATTACKS if attack != "held enter"])
    with_parameters = [each for each in asked if each not in plain]
    yield from (
        (*each, ("held enter", next(others))) for each in share_of(with_parameters, every_case, step=2)
    )


async def _wait_until_handled(ui: Console) -> None:
    """Wait until every sent key is handled and the screen is drawn."""
    received = asyncio.Event()
    ui.app.call_later(received.set)
    await wait_until(ui, received.is_set, "the last key")
    await wait_until(
        ui,
        lambda: ui.app.parts.keys._target is None and not ui.app.parts.keys._waiting,
        "the end of the keys",
    )
    await wait_until_drawn(ui)


@asynccontextmanager
async def _console(
    seeded_database: Path, place: Path, *, with_token: bool = True
) -> AsyncIterator[tuple[Console, RecordingProxy]]:
    async with running_plane(SEEDED, seeded_database, place) as server:
        with RecordingProxy(int(server.base_url.rsplit(":", 1)[1])) as proxy:
            token = Secret(server.token) if with_token else None
            target = Target("test", proxy.url, token, Secret(server.session_cookie))
            settings = load({"reduced_motion": True}, environ={}, path=place / "none.toml")
            app = ConsoleApp(settings, target=target, directory=place / "state", context="test")
            async with run_console(app, server) as ui:
                yield ui, proxy


async def _attacked(ui: Console, name: str, attack: str, key: str, title: str) -> int:
    """Run an attack on the list in front and return to it; return the changes started."""
    on, before = ui.app.screen, len(ui.app.session.ledger.entries)
    await ATTACKS[attack](ui, key, title)
    await _wait_until_handled(ui)
    while ui.app.screen.is_modal:
        # An open select box takes the first Escape.
        await ui.press("escape")
        await _wait_until_handled(ui)
    if ui.app.screen is not on:
        # After the dialog was closed, Enter opens the record and the next Enter a link of it.
        await ui.app.parts.navigation.go(name)
        await wait_until(ui, lambda: ui.app.screen is on, f"the list of {name}")
        await wait_until_drawn(ui)
    return len(ui.app.session.ledger.entries) - before


def _changes(proxy: RecordingProxy) -> list[str]:
    """Return the requests that change something.

    An empty new run is left out: the console sends it to learn what its token may do.
    """
    probe = ("/api/v1/mogplex/runs", b"{}")
    return [f"{each.method} {each.path}" for each in proxy.writes() if (each.path, each.body) != probe]


def _fitting_record(screen: ListScreen, action: AnyAction) -> Entry[Any] | None:
    """Return a record that the action applies to; None if there is none."""
    rows = [item for item in collection_in(screen).set.rows.values() if item.row is not None]
    return next(
        (item for item in rows if kind_rows.unavailable_reason(action, item, screen.session) is None), None
    )


async def test_no_change_is_sent_before_its_dialog_is_answered(
    seeded_database: Path, tmp_path: Path, every_case: bool
) -> None:
    sent: list[str] = []
    attacked: set[str] = set()
    async with _console(seeded_database, tmp_path) as (ui, proxy):
        for kind, action, attacks in _cases(every_case):
            await ui.app.parts.navigation.go(kind.name)
            screen = await wait_for_list(ui, kind)
            for attack in attacks:
                item = _fitting_record(screen, action)
                assert item is not None, f"no {kind.noun} for {action.id}"
                assert screen.table.move_cursor_to(item.key)
                if await _attacked(ui, kind.name, attack, action.key, action.label):
                    sent.append(f"{_name(kind, action)}: {attack}")
                attacked.add(attack)
        assert sent == []
        assert attacked == set(ATTACKS)
        assert _changes(proxy) == []


def _state_of(plane: Plane) -> set[tuple[Any, ...]]:
    """Return the settings, member roles and job ids, which the tested actions change."""
    queries = (
        "SELECT id, default_model, theme FROM profiles",
        "SELECT id, role FROM team_members",
        "SELECT id FROM job_runs",
    )
    return {tuple(row) for query in queries for row in plane.db.all(query)}


@pytest.mark.parametrize("with_token", [True, False], ids=["token and cookie", "cookie alone"])
async def test_early_enter_keeps_the_present_choice(
    seeded_database: Path, tmp_path: Path, with_token: bool
) -> None:
    """With a cookie alone the repository of an automation has a single choice."""
    with_choices = [
        (kind, action)
        for kind, action in EVERY_ACTION
        if _name(kind, action) in ENTER_ANSWERS and action.parameters[0].name != "minutes"
    ]
    async with _console(seeded_database, tmp_path, with_token=with_token) as (ui, _):
        plane = ui.server.plane
        # A setting without a value.
        with plane.db.transaction() as change:
            change.execute("UPDATE profiles SET theme = NULL")
        before = _state_of(plane)
        for kind, action in with_choices:
            await ui.app.parts.navigation.go(kind.name)
            screen = await wait_for_list(ui, kind)
            rows = collection_in(screen).set.rows
            fit = [
                key
                for key, item in rows.items()
                if item.row is not None and not kind_rows.unavailable_reason(action, item, ui.app.session)
            ]
            assert fit, f"no {kind.noun} for {action.id}"
            attacks = [(key, "enter behind it") for key in fit]
            if LONG:
                attacks += [(fit[0], attack) for attack in ATTACKS]
            for key, attack in attacks:
                assert screen.table.move_cursor_to(key)
                await _attacked(ui, kind.name, attack, action.key, action.label)
                assert _state_of(plane) == before, f"{_name(kind, action)} of {key}: {attack}"
        # A choice is accepted once the cursor is on it.
        await ui.app.parts.navigation.go("settings")
        await wait_for_list(ui, kinds()["settings"])
        assert ui.app.screen.table.move_cursor_to("theme")  # type: ignore[attr-defined]
        _keys(ui, "e")
        await ui.sees("Choose with up and down")
        _keys(ui, "down", "\n")
        await wait_until(ui, lambda: _state_of(plane) != before, "the theme")


async def test_no_run_is_changed_before_its_dialog_is_answered(
    seeded_database: Path, tmp_path: Path, every_case: bool
) -> None:
    async with _console(seeded_database, tmp_path) as (ui, proxy):
        app: Any = ui.app

        def able() -> list[Any]:
            return [
                row
                for row in app.runs.set.rows.values()
                if unavailable_reason(CANCEL, row, app.session) is None
            ]

        await wait_until(ui, able, "a run that can be cancelled")
        await wait_until_drawn(ui)
        app.screen.flush()
        for start, (key, title) in enumerate((("x", "cancel"), ("n", "new run"))):
            # Each attack meets one of the two dialogs.
            for attack in share_of(ATTACKS, every_case, step=2, start=start):
                assert app.screen.table.move_cursor_to(able()[0].key)
                assert await _attacked(ui, "runs", attack, key, title) == 0, f"{title}: {attack}"
        assert _changes(proxy) == []
        # The action is carried out once the button is focused.
        assert app.screen.table.move_cursor_to(able()[0].key)
        _keys(ui, "x")
        await ui.sees("Cancel this run?")
        _keys(ui, "right", "\n")
        await wait_until(ui, lambda: _changes(proxy), "the cancel")
