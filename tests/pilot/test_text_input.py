"""Typed and pasted text in the filter, the palette and the form of a new run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from textual import on
from textual.app import App, ComposeResult
from textual.command import DiscoveryHit, Hits
from textual.events import Event, Key, Paste
from textual.message import Message
from textual.widgets import Static

from mogplex_tui.screens import key_queue
from mogplex_tui.screens.command_palette import PaletteEntry, PaletteProvider, ranked
from mogplex_tui.screens.key_queue import KeyHandled, KeyQueue
from tests.controlplane.row_factory import RowFactory
from tests.pilot.console import DEADLINE

Run = Callable[..., Any]


def _keys(ui: Any) -> str:
    """Return the key bar."""
    return str(ui.text.split("\n")[-1])


async def test_key_bar_shows_filter_keys_while_typing(console: Run, world: RowFactory) -> None:
    world.call(repo_id=world.repo("acme/api"))
    async with console() as ui:
        await ui.sees("acme/api", "⏎ open")
        await ui.press("slash")
        words = "⏎ apply esc clear ↑ earlier ctrl+s save"
        await ui.until(lambda: _keys(ui).split() == words.split(), "the filter's keys")
        await ui.press(*"api", "enter")
        await ui.until(lambda: "⏎ open" in _keys(ui), "the list's keys")


async def test_slash_waits_for_a_filter_that_is_mounting(console: Run, world: RowFactory) -> None:
    world.call(repo_id=world.repo("acme/api"))
    async with console() as ui:
        await ui.sees("acme/api", "⏎ open")
        screen = ui.app.screen
        await screen.query("#filter").remove()
        made = asyncio.create_task(screen.prepare())
        await asyncio.sleep(0)
        await screen.open_filter()
        await made
        await ui.press(*"api", "enter")
        await ui.sees("/ api   1 of 1")


async def test_reopened_filter_replaces_its_text_when_typed_into(console: Run, world: RowFactory) -> None:
    for name in ("web", "api", "docs"):
        world.call(repo_id=world.repo(f"acme/{name}"))
    async with console() as ui:
        await ui.sees("Runs   3")
        await ui.press("slash", *"web", "enter")
        await ui.sees("/ web   1 of 3")
        await ui.press("slash", *"docs", "enter")
        await ui.sees("/ docs   1 of 3")
        await ui.press("slash", "end", *"x", "enter")
        await ui.sees("/ docsx   0 of 3")


async def test_filter_keeps_the_cursor_row_or_selects_the_first(console: Run, world: RowFactory) -> None:
    for name in ("web", "api", "web", "api", "web"):
        world.call(repo_id=world.repo(f"acme/{name}"), metadata={"repo": f"acme/{name}"})
    async with console() as ui:
        table = await ui.until(lambda: ui.app.screen.table, "the table")
        await ui.until(lambda: len(ui.app.screen.view) == 5, "the rows")
        await ui.press("down", "down")
        on = table.cursor_key
        other = "api" if "web" in _row(ui, on) else "web"
        await ui.press("slash", *_row(ui, on).removeprefix("acme/"), "enter")
        assert table.cursor_key == on
        await ui.press("slash", *other, "enter")
        await ui.sees(f"/ {other}")
        assert (table.visible_keys.index(table.cursor_key), _row(ui, table.cursor_key)) == (
            0,
            f"acme/{other}",
        )


def _row(ui: Any, key: str) -> str:
    """Return the repository of a row."""
    return str(ui.app.runs.set.rows[key].repo)


async def test_text_pasted_into_the_filter_becomes_one_line(console: Run, world: RowFactory) -> None:
    repo = world.repo("acme/api")
    world.call(repo_id=repo, status="failed")
    world.call(repo_id=repo)
    async with console() as ui:
        await ui.sees("Runs   2")
        await ui.press("slash")
        ui.app.screen.focused.post_message(Paste("repo:api\nstate:failed\r\n"))
        await ui.sees("/ repo:api state:failed   1 of 2")


async def test_palette_shows_each_list_once(console: Run, world: RowFactory) -> None:
    world.call(repo_id=world.repo("acme/api"))
    async with console(ascii=True) as ui:
        await ui.sees("acme/api")
        await ui.press("colon", *"sandb")
        text = await ui.sees("sandboxes :sandbox :sbx")
        assert text.count("sandboxes :") == 1
        await ui.press("escape", "ctrl+p")
        text = await ui.sees("agents :agent")
        palette = text.split("agents :agent")[0]
        assert all(ord(letter) < 0x2600 for letter in palette), palette


async def test_list_name_with_text_behind_it_opens_the_filtered_list(console: Run, world: RowFactory) -> None:
    for name in ("web", "api"):
        repo = world.repo(f"acme/{name}")
        world.call(repo_id=repo)
        world.sandbox(repo)
    async with console() as ui:
        await ui.sees("Runs   2")
        for name, title in (("sandboxes", "Sandboxes"), ("RUNS", "Runs"), ("sbx", "Sandboxes")):
            await ui.press("colon", *name, "space", *"repo:we")
            await ui.sees(f"{title.lower()} / repo:we")
            await ui.press("b", "enter")
            text = await ui.sees(f" {title}   2", "/ repo:web   1 of 2")
            assert "acme/api" not in text
        # As if it had been typed there.
        await ui.press("slash", "end", *"ish")
        await ui.sees("/ repo:webish   0 of 2")
        await ui.press("escape")
        await ui.loses("repo:web")
        await ui.press("1")
        await ui.sees(" Runs   2", "/ repo:web")
        await ui.press("escape")
        await ui.loses("repo:web")
        await ui.sees(" Runs   2", "acme/api")


async def test_sort_with_a_column_name_sorts_by_that_column(console: Run, world: RowFactory) -> None:
    for model, seconds in (("acme/early", 100), ("acme/late", 0)):
        world.call(model=model, started_at=world.clock.us - seconds * 1_000_000)
    async with console() as ui:
        await ui.sees("early", "late")
        for typed, shown, on_top in (
            ("sort age", "by age ↓", "early"),
            ("sort by age", "by age ↑", "late"),
            ("SORT model", "by model ↑", "early"),
        ):
            await ui.press("colon", *(letter if letter != " " else "space" for letter in typed), "enter")
            text = await ui.sees(shown)
            assert on_top in min(("early", "late"), key=text.index), text
        await ui.press("colon", *"sort", "space", *"nonsense", "enter")
        await ui.sees("No column nonsense. Columns: state", "about", "repo, agent")
        await ui.press("6")
        await ui.sees("runs by cost", "Cost per hour")
        await ui.press("colon", *"sort", "space", *"cost")
        await ui.sees("No matches found")


async def test_form_shows_its_buttons_in_a_low_terminal(console: Run, world: RowFactory) -> None:
    world.repo("acme/api")
    async with console(size=(80, 24)) as ui:
        await ui.sees("Runs")
        await ui.press("n")
        await ui.sees("New run", "on a new branch", "Save draft", "Start  ctrl+s")


async def test_palette_has_no_count_for_lists_never_read(console: Run) -> None:
    async with console(cookie=False, gate=True) as ui:
        await ui.sees("Runs")
        await ui.app.parts.navigation.go("api-keys")
        text = await ui.sees("API keys need a browser session")
        assert text.split("\n")[2].split() == ["API", "keys"]
        # Nothing can be made there either.
        assert "create" not in _keys(ui)


def _burst(ui: Any, text: str) -> None:
    """Post keys all at once, as a macro or a slow connection does."""
    names = {":": "colon", "/": "slash", "?": "question_mark", "\n": "enter", " ": "space"}
    for letter in text:
        ui.app.post_message(Key(names.get(letter, letter), letter if letter != "\n" else "\r"))


async def test_burst_of_keys_goes_to_the_filter_that_it_opens(console: Run, world: RowFactory) -> None:
    calls = [world.call(repo_id=world.repo(f"acme/{name}")) for name in ("docs", "web", "next")]
    async with console() as ui:
        await ui.sees("Runs   3", "acme/docs")
        # Of these letters x, n, o, s and d are keys of the list.
        _burst(ui, "/next\n")
        await ui.sees("/ next   1 of 3")
        assert [world.row("ai_calls", call)["status"] for call in calls] == ["pending"] * 3
        assert "New run" not in ui.text and "Cancel this run?" not in ui.text


async def test_key_after_enter_is_not_typed_into_the_closed_filter(console: Run, world: RowFactory) -> None:
    for name in ("docs", "web", "next"):
        world.call(repo_id=world.repo(f"acme/{name}"))
    async with console() as ui:
        await ui.sees("Runs   3", "acme/docs")
        await ui.press("slash", *"docs")
        await ui.sees("1 of 3")
        _burst(ui, "\n/web\n")
        await ui.sees("/ web   1 of 3")


async def test_burst_of_keys_goes_to_the_palette_before_enter_selects(
    console: Run, world: RowFactory
) -> None:
    world.call(repo_id=world.repo("acme/api"))
    async with console() as ui:
        await ui.sees("Runs   1")
        _burst(ui, ":sandboxes\n")
        await ui.until(lambda: ui.app.current_mode == "sandboxes", "the list of sandboxes")
        _burst(ui, ":jobs\n")
        await ui.until(lambda: ui.app.current_mode == "jobs", "the list of jobs")
        await ui.sees("Jobs")


async def test_keys_are_not_lost_between_two_inputs(console: Run, world: RowFactory) -> None:
    world.call(repo_id=world.repo("acme/docs"))
    world.call(repo_id=world.repo("acme/web"))
    async with console() as ui:
        await ui.sees("Runs   2")
        _burst(ui, "/docs\n/")
        ui.app.post_message(Key("escape", None))
        _burst(ui, "?")
        await ui.sees("This screen", "esc closes")
        assert "of 2" not in ui.text.split("\n")[2]


async def test_keys_after_closing_a_dialog_go_to_the_list(console: Run, world: RowFactory) -> None:
    world.call(repo_id=world.repo("acme/docs"))
    async with console() as ui:
        await ui.sees("Runs   1")
        for close in ("escape", "enter"):
            await ui.press("x")
            await ui.sees("Cancel this run?")
            # The dialog goes away with the message that follows the key.
            ui.app.post_message(Key(close, "\r" if close == "enter" else None))
            _burst(ui, ":jobs\n" if close == "enter" else "/docs\n")
            if close == "escape":
                await ui.sees("/ docs   1 of 1")
        await ui.until(lambda: ui.app.current_mode == "jobs", "the list of jobs")


@pytest.mark.parametrize(
    ("over", "typed", "leads_to"),
    [("runs", ":ap", "approvals"), ("assignments", "di", "dispatch"), ("jobs", "co", "commands")],
    ids=["approvals", "dispatch", "commands"],
)
async def test_alias_opens_the_list_that_the_palette_shows(
    console: Run, over: str, typed: str, leads_to: str
) -> None:
    async with console() as ui:
        await ui.sees("Runs")
        await ui.app.parts.navigation.go(over)
        await ui.until(lambda: ui.app.current_mode == over)
        await ui.press("colon", *typed)
        await ui.until(lambda: _first_in_palette(ui).startswith(leads_to), "it being listed first")
        await ui.press("enter")
        await ui.until(lambda: ui.app.current_mode == leads_to, "the list that the alias means")


async def test_enter_in_the_palette_does_not_wait_for_a_list(
    console: Run, world: RowFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(provider: PaletteProvider, query: str) -> Hits:
        await asyncio.Event().wait()
        yield DiscoveryHit(query, print)

    monkeypatch.setattr(PaletteProvider, "search", never)
    async with console() as ui:
        await ui.sees("Runs")
        await ui.press("colon", *"jobs", "enter")
        await ui.until(lambda: ui.app.current_mode == "jobs", "the list of jobs")


def _first_in_palette(ui: Any) -> str:
    """Return the first entry of the palette, without its key."""
    listed = ui.app.screen.query_one("CommandList")
    return str(listed.get_option_at_index(0).prompt)[7:] if listed.option_count else ""


def test_palette_ranks_exact_names_then_lists_then_actions() -> None:
    places = [
        PaletteEntry(("dispatch", "ledger", "di"), "", print, is_screen=True),
        PaletteEntry(("models",), "", print, True),
    ]
    verbs = [PaletteEntry((title,), "", print) for title in ("disable", "copy id", "mode", "model")]
    best = {
        typed: [entry.names[0] for _, entry in ranked([*verbs, *places], typed)]
        for typed in (":di", "di", "model", "mo", "id", "spa")
    }
    assert best[":di"][:2] == best["di"][:2] == ["dispatch", "disable"]
    assert best["model"][0] == "model"
    assert best["mo"][0] == "models"
    assert best["id"][0] == "copy id"
    assert best["spa"] == ["dispatch"]


def test_filter_text_may_equal_or_begin_with_the_separator_word() -> None:
    sort = PaletteEntry(("sort",), "", print, run_with_argument=print, separator="by")
    titles = {
        typed: ranked([sort], f"sort {typed}")[0][1].title for typed in ("by", "By by", "bytes", "By cost")
    }
    assert titles == {
        "by": "sort by by",
        "By by": "sort by by",
        "bytes": "sort by bytes",
        "By cost": "sort by cost",
    }


class _QueuedApp(App[int]):
    """An app with the console's key queue."""

    def __init__(self) -> None:
        super().__init__()
        self.key_queue = KeyQueue(self, super().on_event)

    async def on_event(self, event: Event) -> None:
        if self.key_queue.accepts(event):
            await self.key_queue.put(event)
        else:
            await super().on_event(event)

    @on(KeyHandled)
    async def _key_handled(self, marker: KeyHandled) -> None:
        await self.key_queue.marker_returned(marker)


class _Leaves(Static, can_focus=True):
    """Removes itself on a key and, like a closing widget, drops the key's marker."""

    def on_key(self, event: Key) -> None:
        event.stop()

    def post_message(self, message: Message) -> bool:
        if isinstance(message, KeyHandled):
            self.remove()
            return False
        return super().post_message(message)


class _Leaving(_QueuedApp):
    heard = ""

    def compose(self) -> ComposeResult:
        yield _Leaves()

    def on_key(self, event: Key) -> None:
        self.heard += event.key


async def _heard(app: _Leaving | _Slow, keys: str) -> None:
    async with asyncio.timeout(DEADLINE):
        while app.heard != keys:
            await asyncio.sleep(0.01)


async def test_key_queue_continues_when_the_widget_of_a_key_is_removed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Not because it took long.
    monkeypatch.setattr(key_queue, "_STUCK_AFTER", float("inf"))
    app = _Leaving()
    async with app.run_test():
        _burst_to(app, "abc")
        await _heard(app, "bc")


class _Slow(_QueuedApp):
    """Blocks on its first key until `opens` is set, then focuses a field."""

    def __init__(self) -> None:
        super().__init__()
        self.opens = asyncio.Event()
        self.heard = ""

    def compose(self) -> ComposeResult:
        yield _SlowOpener()
        yield _Field()


class _SlowOpener(Static, can_focus=True):
    async def on_key(self, event: Key) -> None:
        assert isinstance(self.app, _Slow)
        event.stop()
        if event.key != "a":
            self.app.heard += f"<{event.key}>"
            return
        await self.app.opens.wait()
        self.app.query_one(_Field).focus()


class _Field(Static, can_focus=True):
    def on_key(self, event: Key) -> None:
        assert isinstance(self.app, _Slow)
        event.stop()
        self.app.heard += event.key


async def test_keys_wait_for_a_slow_widget_and_go_to_the_new_focus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_queue, "_CHECK_INTERVAL", 0.001)
    app = _Slow()
    async with app.run_test():
        checked = asyncio.Event()
        queue = app.key_queue

        def note_a_long_wait() -> None:
            if queue._waited > 0.02:
                checked.set()

        monkeypatch.setattr(queue, "_check", _after(queue._check, note_a_long_wait))
        _burst_to(app, "abc")
        async with asyncio.timeout(DEADLINE):
            await checked.wait()
        assert app.heard == ""
        app.opens.set()
        await _heard(app, "bc")


async def test_keys_behind_a_stuck_widget_are_dropped_with_a_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_queue, "_STUCK_AFTER", 0.1)
    app = _Slow()
    async with app.run_test(notifications=True):
        _burst_to(app, "abc")
        async with asyncio.timeout(DEADLINE):
            while not app._notifications:
                await asyncio.sleep(0.01)
        assert "were dropped" in next(iter(app._notifications)).message
        field = app.query_one(_Field)
        field.focus()
        async with asyncio.timeout(DEADLINE):
            while app.focused is not field:
                await asyncio.sleep(0)
        _burst_to(app, "d")
        await _heard(app, "d")
        app.opens.set()


async def test_many_slow_keys_are_all_delivered_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(key_queue, "_CHECK_INTERVAL", 0.001)
    monkeypatch.setattr(key_queue, "_STUCK_AFTER", 1.0)
    app = _Slow()
    async with app.run_test(notifications=True) as pilot:
        app.query_one(_Field).focus()
        await pilot.pause()

        async def slow(event: Key) -> None:
            # As long as a fifth of what makes a widget stuck.
            before = app.key_queue._waited
            while app.key_queue._waiting and app.key_queue._waited < before + 0.2:
                await asyncio.sleep(0.001)
            app.heard += event.key

        monkeypatch.setattr(_Field, "on_key", lambda self, event: slow(event))
        _burst_to(app, "abcdefghij")
        await _heard(app, "abcdefghij")
        assert not app._notifications


def _after(function: Callable[[], None], then: Callable[[], Any]) -> Callable[[], None]:
    def both() -> None:
        function()
        then()

    return both


def _burst_to(app: _QueuedApp, text: str) -> None:
    for letter in text:
        app.post_message(Key(letter, letter))
