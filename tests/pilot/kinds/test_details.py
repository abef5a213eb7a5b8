"""The detail of a record: scrolling, links, the way back and the key bar."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mogplex_tui.api.errors import ServiceFailed, Unavailable
from mogplex_tui.api.resources.flows import FlowsResource
from mogplex_tui.operate import kind_rows
from mogplex_tui.operate.record_page import address_of
from mogplex_tui.screens import console_screen
from mogplex_tui.widgets.styles import Tone
from tests.pilot.kinds.kind_navigation import go_to_list, go_to_row, long_texts_of, wait_for_notice
from tests.pilot.kinds.kind_screens import collection_in


def _failed(ui: Any) -> str:
    rows = ui.server.plane.db.all(
        "SELECT id FROM job_runs WHERE status = 'failed' AND flow_id IS NOT NULL ORDER BY created_at DESC LIMIT 1"
    )
    return str(rows[0]["id"])


def _tones(ui: Any) -> set[Tone]:
    """Return the tones of the values of all facts."""
    return {fact.tone for group in ui.app.screen.record.facts._groups for fact in group}


def _title(ui: Any) -> str:
    """Return the title line."""
    return " ".join(ui.text.split("\n")[2].split())


def _keys(ui: Any) -> str:
    """Return the key bar."""
    return str(ui.text.split("\n")[-1])


async def test_arrow_keys_scroll_to_the_end_and_reach_every_link(console: Any) -> None:
    async with console(size=(80, 20)) as ui:
        await go_to_row(ui, "jobs", _failed(ui))
        await ui.press("enter")
        await ui.until(lambda: len(ui.app.screen.record.links) > 2, "the links")
        await ui.sees("⏎ links", "status")
        assert "→" not in ui.text
        # A link out of sight is shown before it is followed.
        await ui.press("enter")
        await ui.sees("→", "⏎ open")
        assert ui.app.screen.scope == "jobs.detail"
        await ui.press("home")
        await ui.loses("→")
        record = ui.app.screen.record
        reached = []
        for _ in range(80):
            await ui.press("down")
            if "→" in ui.text and record.links.at not in reached:
                reached.append(record.links.at)
            if "control" in ui.text:
                break
        assert reached == list(range(len(record.links)))
        # The ledger stands below the links.
        await ui.sees("Dispatch log", "control")
        assert "status " not in ui.text
        for _ in range(80):
            await ui.press("up")
            if "status " in ui.text:
                break
        await ui.sees("status ")


async def test_escape_goes_back_along_the_breadcrumb(console: Any) -> None:
    async with console(size=(160, 40)) as ui:
        key = _failed(ui)
        await go_to_row(ui, "jobs", key)
        await ui.press("enter")
        job = kind_rows.name_of(ui.app.screen.kind, ui.app.screen.entry())
        await ui.until(lambda: _title(ui).startswith(f"Jobs ▸ {job}"), "the way to the job")
        links = ui.app.screen.record.shown_links
        place = next(number for number, link in enumerate(links) if link.kind == "projects")
        for _ in range(place):
            await ui.press("down")
        repo = links[place].text
        await ui.press("enter")
        await ui.until(lambda: f"Jobs ▸ {job} ▸ repository {repo}" in _title(ui), "the repository")
        await ui.press("enter")
        await ui.until(lambda: f"▸ {repo} ▸ Runs" in _title(ui), "its runs")
        # What is typed narrows further, and goes without taking the link's filter along.
        screen = ui.app.screen
        await ui.until(lambda: 0 < len(screen.view) < len(screen.rows.rows), "a part of the runs")
        await ui.press("slash", *"nothing like it")
        await ui.until(lambda: not len(screen.view), "nothing that is both")
        await ui.press("escape")
        await ui.until(lambda: 0 < len(screen.view) < len(screen.rows.rows), "the link's runs again")
        for there in (f"▸ repository {repo}", f"Jobs ▸ {job}", "Jobs"):
            await ui.press("escape")
            await ui.until(lambda: there in _title(ui), f"the step back to {there}")
        assert "▸" not in _title(ui)
        assert ui.app.screen.table.cursor_key == key


async def test_key_bar_matches_the_row_under_the_cursor(console: Any) -> None:
    async with console() as ui:
        screen = await go_to_list(ui, "assignments")
        rows = screen.rows.rows
        enabled = {key: rows[key].row.assignment.enabled for key in rows}
        for key, is_on in enabled.items():
            screen.table.move_cursor_to(key)
            await ui.until(
                lambda: ("d disable" in _keys(ui), "e enable" in _keys(ui)) == (is_on, not is_on),
                f"the keys of a row that is {is_on}",
            )
        assert set(enabled.values()) == {True, False}
        # What works on many is told of as soon as it works on one of them.
        for key in enabled:
            screen.table.move_cursor_to(key)
            await ui.press("space")
        await ui.until(lambda: "d disable" in _keys(ui) and "e enable" in _keys(ui), "the keys of both")
        screen.unmark()
        await ui.press("slash", *"nothing like it")
        await ui.sees("No matches in")
        await ui.press("enter")
        await ui.until(lambda: "disable" not in ui.text and "⏎ open" not in _keys(ui), "the keys of no row")


async def test_facts_without_a_value_are_left_out(console: Any) -> None:
    async with console() as ui:
        screen = await go_to_list(ui, "jobs")
        row = next(key for key, item in screen.rows.rows.items() if item.row.job.status == "running")
        screen.table.move_cursor_to(row)
        await ui.press("enter")
        text = await ui.sees("attempts", "running")
        facts = text.split("status", 1)[1]
        assert "  –" not in facts
        assert "error" not in facts


async def test_record_page_and_key_bar_are_ascii_in_ascii_mode(console: Any) -> None:
    async with console(size=(80, 20), ascii=True) as ui:
        await go_to_row(ui, "jobs", _failed(ui))
        await ui.press("enter")
        await ui.until(lambda: ui.app.screen.record.max_scroll_y > 0, "more than fits")
        for keys in (("down",), ("down",), ("j",)):
            await ui.press(*keys)
            await ui.pilot.pause()
            # The dash of what is unknown and the ellipsis of a middle are told apart from glyphs.
            assert not {letter for letter in ui.text if ord(letter) > 0x2500}, ui.text


async def test_failed_refresh_keeps_the_record_and_shows_the_reason(console: Any) -> None:
    async def refuse() -> bool:
        raise Unavailable("The service cannot serve the rules now: Service unavailable")

    async with console(size=(120, 40)) as ui:
        await go_to_list(ui, "rules")
        await ui.press("enter")
        await ui.sees("characters")
        assert Tone.PLAIN in _tones(ui)
        feed = ui.app.screen.collection.feed
        reads, feed.fetch = feed.fetch, refuse
        for failures in (1, 2):
            await ui.press("r")
            await ui.until(lambda: feed.freshness.failures >= failures, "a failure")
        why = "The service cannot serve the rules now: Service unavailable. Showing the last data read"
        await ui.sees(why, "stale", "characters")
        feed.freshness.as_of -= 60
        ui.app.screen.on_tick()
        assert _tones(ui) == {Tone.DIM}
        await ui.press("escape")
        await ui.sees(why, "stale", "CHARS")
        feed.fetch = reads
        await ui.press("r")
        await ui.loses("Showing the last data read")


async def test_title_shows_that_details_are_still_loading(
    console: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = asyncio.Event()
    runs = FlowsResource.runs

    async def late(self: FlowsResource, *args: Any) -> Any:
        await held.wait()
        return await runs(self, *args)

    monkeypatch.setattr(FlowsResource, "runs", late)
    async with console() as ui:
        await go_to_list(ui, "automations")
        await ui.press("enter")
        await ui.until(lambda: _title(ui).endswith("reading"), "the reading being told")
        held.set()
        await ui.until(lambda: not _title(ui).endswith("reading"), "the end of it")
        await ui.until(lambda: "Latest runs" in long_texts_of(ui), "what was read")


async def test_sandbox_opens_its_preview_or_reports_that_it_has_none(console: Any, monkeypatch: Any) -> None:
    opened: list[str] = []
    monkeypatch.setattr("mogplex_tui.operate.browser_detection.has_browser", lambda: True)
    async with console(size=(160, 40)) as ui:
        monkeypatch.setattr(ui.app, "open_url", opened.append)
        screen = await go_to_list(ui, "sandboxes")
        pages = {key: address_of(screen.kind, item) for key, item in screen.rows.rows.items()}
        with_page, without = (
            next(key for key, page in pages.items() if bool(page) is so) for so in (True, False)
        )
        await go_to_row(ui, "sandboxes", with_page)
        await ui.until(lambda: "o browser" in _keys(ui), "the key")
        await ui.press("o")
        assert opened == [pages[with_page]]
        assert opened[0].startswith("https://")
        await go_to_row(ui, "sandboxes", without)
        await ui.until(lambda: "o browser" not in _keys(ui), "the key going")
        await ui.press("enter")
        await ui.until(lambda: ui.app.screen.scope == "sandboxes.detail", "the record")
        assert "o browser" not in _keys(ui)
        await ui.press("o")
        await wait_for_notice(ui, "has no web page.")
        assert len(opened) == 1


async def test_failed_read_of_a_record_is_reported_at_once(
    console: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = asyncio.Event()

    async def fails(self: FlowsResource, *args: Any) -> Any:
        await held.wait()
        raise Unavailable("The service is away", retry_after=60.0)

    # No second passes and the list is not read again: what is drawn was heard.
    monkeypatch.setattr(console_screen, "TICK", 3600.0)
    monkeypatch.setattr(FlowsResource, "runs", fails)
    async with console() as ui:
        listed = collection_in(await go_to_list(ui, "automations")).feed
        listed.tables, listed.hinted_at, listed.every, listed.poll_without_realtime = (
            frozenset(),
            None,
            3600.0,
            3600.0,
        )
        await ui.press("enter")
        await ui.until(lambda: _title(ui).endswith("reading"), "the reading being told")
        await ui.pilot.pause(2 * console_screen.FLUSH)
        held.set()
        await ui.sees("The service is away")


async def test_record_without_its_own_read_has_the_age_of_its_list(console: Any) -> None:
    async with console() as ui:
        screen = await go_to_row(ui, "teams", "personal")
        listed = collection_in(screen).feed
        await ui.press("enter")
        await ui.until(lambda: ui.app.screen.scope == "teams.detail", "the record")
        await ui.until(lambda: ui.app.screen._own_feed.freshness.as_of, "its own reading, which asks nothing")

        async def fails() -> bool:
            raise Unavailable("The service is away")

        listed.fetch = fails
        await ui.press("r")
        await ui.until(lambda: listed.freshness.failures and not listed.freshness.loading, "the list failing")
        await ui.until(lambda: "stale" in _title(ui), "its age")


async def test_each_open_detail_reports_its_own_failed_read(
    console: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(self: FlowsResource, *args: Any) -> Any:
        raise Unavailable("The service is away", retry_after=60.0)

    async with console() as ui:
        await go_to_list(ui, "automations")
        await ui.press("enter")
        await ui.until(lambda: ui.app.screen.scope == "automations.detail", "the record")
        first = ui.app.screen
        await ui.until(lambda: first._own_feed.freshness.as_of, "its own reading")
        # The second page comes before the first has let go of what it reads.
        ui.app.session.scheduler.subscribe(first._own_feed)
        monkeypatch.setattr(FlowsResource, "runs", fails)
        ui.app.parts.navigation.open_record(first.kind, first.entry())
        await ui.until(lambda: ui.app.screen is not first and ui.app.screen.is_active, "the second page")
        await ui.press("r")
        await ui.sees("The service is away")


async def _fails_twice(ui: Any, feed: Any, what: str) -> None:
    """Let a feed fail twice: the first failure alone is not shown."""

    async def fails() -> bool:
        raise ServiceFailed(f"The service failed on {what}: broken", status=500)

    feed.fetch = fails
    for failures in (1, 2):
        await ui.press("r")
        await ui.until(lambda: feed.freshness.failures >= failures, "a failure")


async def test_facts_of_a_single_read_get_stale_when_it_fails(console: Any) -> None:
    async with console(size=(120, 40)) as ui:
        await go_to_list(ui, "automations")
        await ui.press("enter")
        await ui.until(lambda: "Latest runs" in long_texts_of(ui), "what it alone tells")
        await _fails_twice(ui, ui.app.screen._own_feed, "its runs")
        await ui.sees("The details of the record are shown as", "partly stale")
        # Its facts are of the list, which is fresh.
        ui.app.screen._own_feed.freshness.as_of -= 60
        ui.app.screen.on_tick()
        assert Tone.PLAIN in _tones(ui)
        assert "Latest runs" in long_texts_of(ui)


@pytest.mark.parametrize(
    ("kind", "is_stale"),
    [("automations", True), ("jobs", False)],
    ids=["details from the list", "details from their own read"],
)
async def test_failed_list_makes_records_that_need_it_stale(console: Any, kind: str, is_stale: bool) -> None:
    async with console(size=(120, 40)) as ui:
        screen = await go_to_list(ui, kind)
        await ui.press("enter")
        await ui.until(
            lambda: ui.app.screen is not screen and ui.app.screen._own_feed.freshness.as_of, "its own reading"
        )
        record, listed = ui.app.screen, collection_in(screen).feed
        await _fails_twice(ui, listed, "the list")
        await ui.until(
            lambda: record._own_feed.freshness.as_of > listed.freshness.as_of, "its own reading again"
        )
        record.on_tick()
        record.refresh_chrome()
        await ui.pilot.pause()
        assert ("Showing the last data read" in ui.text, "stale" in _title(ui)) == (is_stale, is_stale)
