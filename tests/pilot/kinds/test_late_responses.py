"""Late responses open their screen once, and not over a newer one."""

from __future__ import annotations

import asyncio
from typing import Any

from mogplex_tui.api.errors import Unavailable
from mogplex_tui.operate.kinds.registry import kinds
from mogplex_tui.operate.record_page import LinkTarget
from mogplex_tui.screens.modals.new_run import NewRunModal
from mogplex_tui.widgets.line_table import LineTable
from tests.pilot.kinds.kind_navigation import go_to_list, wait_for_notice


def _stack(ui: Any) -> list[str]:
    """Return the scopes of the screens and the names of dialogs, from the bottom up."""
    return [getattr(screen, "scope", type(screen).__name__) for screen in ui.app.screen_stack]


def _held_up(ui: Any, kind: str, monkeypatch: Any) -> asyncio.Event:
    """Return an event that reads of a kind's list wait for."""
    collection, let_go = ui.app.parts.collections.of(kinds()[kind]), asyncio.Event()
    read = collection.fetch

    async def fetch(*priority: Any) -> bool:
        await let_go.wait()
        return bool(await read(*priority))

    monkeypatch.setattr(collection, "fetch", fetch)
    return let_go


async def _a_link(ui: Any) -> LinkTarget:
    """Open a record that links to a project not read yet; return the link."""
    await go_to_list(ui, "assignments")
    await ui.press("enter")
    await ui.until(lambda: len(ui.app.screen_stack) == 2 and ui.app.screen.query("#links"), "a detail")
    await ui.until(lambda: ui.app.screen.record._links, "its links")
    links: list[LinkTarget] = ui.app.screen.record._links
    return next(link for link in links if link.kind == "projects" and link.key)


async def test_link_followed_twice_opens_one_record(console: Any, monkeypatch: Any) -> None:
    async with console() as ui:
        link = await _a_link(ui)
        let_go = _held_up(ui, "projects", monkeypatch)
        ui.app.parts.collections.of(kinds()["projects"]).set.rows.clear()
        ui.app.parts.navigation.follow(link)
        ui.app.parts.navigation.follow(link)
        await ui.pilot.pause()
        let_go.set()
        await ui.until(lambda: len(_stack(ui)) > 2, "the project")
        await ui.pilot.pause()
        assert _stack(ui)[2:] == ["projects.detail"]
        assert not ui.app._notifications


async def test_failed_link_shows_its_reason_once(console: Any, monkeypatch: Any) -> None:
    async with console() as ui:
        link = await _a_link(ui)
        collection = ui.app.parts.collections.of(kinds()["projects"])

        async def fetch() -> bool:
            raise Unavailable("it rests", resource="the repositories", status=503)

        monkeypatch.setattr(collection, "fetch", fetch)
        collection.set.rows.clear()
        ui.app.parts.navigation.follow(link)
        await wait_for_notice(ui, "it rests")
        await ui.pilot.pause()
        assert len(ui.app._notifications) == 1
        assert len(_stack(ui)) == 2


async def test_late_record_does_not_open_over_a_form(console: Any, monkeypatch: Any) -> None:
    async with console() as ui:
        link = await _a_link(ui)
        let_go = _held_up(ui, "projects", monkeypatch)
        ui.app.parts.collections.of(kinds()["projects"]).set.rows.clear()
        ui.app.parts.navigation.follow(link)
        await ui.press("1", "n")
        await ui.sees("New run")
        let_go.set()
        await wait_for_notice(ui, f"{link.text} was not opened")
        assert _stack(ui) == ["runs", "NewRunModal"]


async def test_two_presses_on_a_row_open_one_record(console: Any) -> None:
    async with console() as ui:
        screen = await go_to_list(ui, "jobs")
        for _ in range(2):
            screen.table.post_message(LineTable.RowSelected(screen.table, screen.table.cursor_key))
        await ui.until(lambda: len(_stack(ui)) > 1, "the job")
        await ui.pilot.pause()
        assert _stack(ui) == ["jobs", "jobs.detail"]


async def test_two_presses_on_a_link_to_a_list_open_one_list(console: Any) -> None:
    async with console() as ui:
        await go_to_list(ui, "projects")
        await ui.press("enter")
        await ui.until(lambda: ui.app.screen.query("#links"), "a detail")
        detail = ui.app.screen
        await ui.until(lambda: detail.record._links, "its links")
        detail.record.links.at = [link.kind for link in detail.record._links].index("runs")
        detail.follow_link()
        detail.follow_link()
        await ui.sees("Runs", "/ repo:")
        assert _stack(ui)[1:] == ["projects.detail", "runs"]


async def test_new_secret_is_shown_after_the_open_form_closes(console: Any, monkeypatch: Any) -> None:
    async with console() as ui:
        await go_to_list(ui, "api-keys")
        let_go = _held_up(ui, "api-keys", monkeypatch)
        await ui.press("n")
        await ui.sees("Create API key")
        await ui.press(*"ci", "ctrl+s")
        await ui.press("1", "n")
        await ui.sees("New run")
        let_go.set()
        await wait_for_notice(ui, "API key ci is created.")
        await ui.pilot.pause()
        assert isinstance(ui.app.screen, NewRunModal)
        await ui.press("escape")
        await ui.sees("Secret of the new API key", "mog_")
        assert _stack(ui) == ["runs", "RevealModal"]
        await ui.press("escape")
        await ui.loses("The secret")
