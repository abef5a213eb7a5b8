from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mogplex_tui.live.collection import Entry
from mogplex_tui.operate import action_registry
from mogplex_tui.operate.kinds.registry import GROUPS, TABS, kinds
from mogplex_tui.screens.console_screen import ConsoleScreen
from mogplex_tui.screens.detail_screen import DetailScreen
from mogplex_tui.screens.modals.help import HelpModal
from mogplex_tui.screens.observability import ObservabilityScreen
from mogplex_tui.screens.run_screen import RunScreen
from mogplex_tui.widgets.ascii_filter import letters
from tests.controlplane.row_factory import RowFactory

Run = Callable[..., Any]
SCOPES = (
    "runs",
    "run",
    "observability",
    *(scope for name in kinds() for scope in (name, action_registry.detail_scope(name))),
)


@pytest.fixture(autouse=True)
def every_kind_is_known() -> None:
    for kind in kinds().values():
        action_registry.register_kind(kind)


def _screens(ui: Any) -> Iterator[ConsoleScreen]:
    navigation = ui.app.parts.navigation
    yield navigation.run_list()
    yield RunScreen(next(iter(ui.app.runs.set.rows.values())))
    yield ObservabilityScreen()
    for kind in kinds().values():
        yield navigation.kind_list(kind.name)
        yield DetailScreen(kind, Entry("any", None))


async def test_screens_bind_and_handle_every_registered_action(console: Run, world: RowFactory) -> None:
    world.call(repo_id=world.repo("acme/web"))
    async with console() as ui:
        await ui.sees("acme/web")
        scopes = []
        for screen in _screens(ui):
            scopes.append(screen.scope)
            expected = {action.id for action in action_registry.in_scope(screen.scope)}
            bound = {binding.id for _, binding in screen._bindings}
            with_key = {action.id for action in action_registry.in_scope(screen.scope) if action.defaults}
            assert with_key <= bound, screen.scope
            assert {name for name in bound - expected if name is not None} == set(), screen.scope
            places = {action.id for action in action_registry.ACTIONS if action.group == "go to"}
            handled = {*screen.handlers, *ui.app.parts.actions, *places}
            assert expected <= handled, screen.scope
        assert sorted(scopes) == sorted(SCOPES)


@pytest.mark.parametrize("scope", SCOPES)
def test_keys_of_a_screen_are_unique(scope: str) -> None:
    keys = Counter(key for action in action_registry.in_scope(scope) for key in action.keys)
    assert [key for key, times in keys.items() if times > 1] == []


async def test_digits_open_their_screens_and_escape_returns(console: Run) -> None:
    async with console() as ui:
        await ui.sees("Runs   0")
        for digit, title, name in TABS:
            await ui.press(digit)
            await ui.until(lambda: ui.app.current_mode == name, title)
            await ui.sees(title)
        await ui.press("escape")
        await ui.until(lambda: ui.app.current_mode == "models", "the place before")


async def test_ctrl_c_says_how_one_leaves(console: Run) -> None:
    async with console() as ui:
        await ui.sees("Runs   0")
        await ui.press("ctrl+c")
        await ui.sees("q quits the console; ctrl+q quits from anywhere.")


async def test_help_and_key_bar_show_the_keys_that_work_here(console: Run, world: RowFactory) -> None:
    world.call(repo_id=world.repo("acme/api"))
    async with console() as ui:
        await ui.sees("⏎ open", "x cancel", "? help")
        await ui.press("question_mark")
        await ui.sees("Keys", "Open the run under the cursor.")
        await ui.press("end")
        await ui.sees("pending approvals; :approvals lists them")
        await ui.press("escape")
        await ui.loses("pending approvals")
        await ui.press("6")
        await ui.sees("d range")
        assert "x cancel" not in ui.text


async def test_palette_runs_an_action_by_its_name(console: Run, world: RowFactory) -> None:
    world.call(repo_id=world.repo("acme/api"))
    async with console() as ui:
        await ui.sees("acme/api")
        await ui.press("colon")
        await ui.press(*"observ")
        await ui.sees("Health, queue")
        await ui.press("enter")
        await ui.press("enter")
        await ui.sees("last 24 h")


def test_every_kind_is_in_one_section_of_the_palette() -> None:
    names = [name for group in GROUPS.values() for name in group]
    assert sorted(names) == sorted(["runs", *kinds()])


async def test_palette_lists_every_kind_in_sections_and_opens_by_mouse(console: Run) -> None:
    async with console(size=(80, 50)) as ui:
        await ui.sees("Runs   0", ": more")
        line = ui.text.splitlines()[1]
        await ui.pilot.click("#tabs", offset=(line.index("more"), 0))
        await ui.sees("Automation", "Library", "Account", "jobs :job :jo", "provider-keys")
        await ui.press("escape")
        # Two keys and the name open any kind.
        await ui.press("colon", *"failures", "enter")
        await ui.until(lambda: ui.app.current_mode == "failures", "the failures")
        await ui.press("colon", *"expensive", "enter")
        await ui.sees("/ age:<1d", "by cost ↓")
        await ui.press("colon", *"errors", "enter")
        await ui.sees("/ state:failed")
        assert "by cost" not in ui.text


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_quit(console: Run, key: str) -> None:
    async with console() as ui:
        await ui.sees("Runs")
        await ui.press(key)
        assert ui.app.return_value == 0


async def test_q_is_a_letter_while_one_types(console: Run, world: RowFactory) -> None:
    world.call(repo_id=world.repo("acme/api"))
    async with console() as ui:
        await ui.sees("acme/api")
        await ui.press("slash", "q", "2")
        await ui.sees(": q2")
        await ui.press("ctrl+q")
        assert ui.app.return_value == 0


async def test_dark_and_light(console: Run) -> None:
    async with console() as ui:
        await ui.sees("Runs")
        assert ui.app.current_theme.dark
        await ui.press("T")
        assert not ui.app.current_theme.dark


@pytest.mark.parametrize("scope", SCOPES)
def test_help_uses_key_bar_words_and_explains_the_header(scope: str) -> None:
    lines = HelpModal(scope, read_only=None, ascii_only=True).lines()
    for action in action_registry.in_scope(scope):
        if action.footer:
            matching = [line for line in lines if action.title.lower() in line[11:].lower()]
            assert any(
                line.split()[0] == action_registry.shown_key(action.keys[0], ascii_only=True)
                for line in matching
            )
    text = "\n".join(lines)
    assert letters(text).isascii()
    for sign in ("● connected", "API 5/60", "today ~$", "pending approvals"):
        assert sign in text
    assert max(map(len, lines)) <= 66
