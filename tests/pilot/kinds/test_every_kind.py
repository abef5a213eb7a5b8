"""Every kind on a service in every state, in three terminal sizes, by keyboard.

The tests take the kinds from the registry, so a new kind is tested without a change here. The first test opens
everything of every kind; the tests of a service in trouble, or with unusual rows, take a third of the kinds each unless
all cases are asked for.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.controlplane.core.plane import Settings as PlaneSettings
from mogplex_tui.controlplane.faults.rules import parse
from mogplex_tui.operate import formatting, kind_rows, messages
from mogplex_tui.operate.action_registry import with_key_names
from mogplex_tui.operate.kinds.registry import TABS, kinds
from mogplex_tui.operate.model import AnyKind, Creation, RenderTime
from mogplex_tui.operate.record_page import links_of
from mogplex_tui.screens.detail_screen import DetailScreen
from mogplex_tui.screens.event_json_pane import EventPane
from mogplex_tui.screens.list_screen import ListScreen
from mogplex_tui.screens.navigation import BUILT_IN
from mogplex_tui.widgets.text import visible
from tests.case_share import share_of
from tests.pilot.console import Console
from tests.pilot.kinds.kind_screens import (
    NASTY,
    ROWS,
    SIZES,
    ServiceState,
    add_markup,
    break_first_row,
    collapse_spaces,
    collection_in,
    column_titles,
    console_on,
    open_detail,
    reads_service,
    repeat_rows,
    resize,
    type_keys,
    wait_for_list,
    wait_for_screen,
    wait_until,
    wait_until_drawn,
)

EMPTY = ServiceState("empty", PlaneSettings(speed=0, rate_limit=None, seeded=False))
SMALL = ServiceState("small")
MANY = ServiceState("many hostile rows", change=lambda page: repeat_rows(add_markup(page)))
FORBIDDEN = ServiceState("forbidden", PlaneSettings(speed=0, rate_limit=None, profile="hosted"), cookie=False)
REFUSING = ServiceState("429", PlaneSettings(speed=0, faults=("* /api/* 429",)))
USED_UP = ServiceState("budget used up", cookie=False, budget_used_up=True)
FAILING = ServiceState("500", PlaneSettings(speed=0, faults=("* /api/* 500",)))
FAULTY = ServiceState("failing later", PlaneSettings(speed=0, rate_limit=None, fault_route=True))
SPOILT = ServiceState("a row that did not parse", change=break_first_row)
OLD = re.compile(r"stale \d+s · retry in \d+s")

# A wide terminal has room for every sentence; only the lists and records of a sound service are looked at there too.
NARROW_AND_USUAL = SIZES[::2]

Sizes = tuple[tuple[int, int], ...]

DIGITS = {name: digit for digit, _, name in TABS if name not in BUILT_IN}


def _name(each: object) -> str:
    return each.name if isinstance(each, ServiceState) else str(each)


def _at(screen: ListScreen) -> int | None:
    """Return the index of the row under the cursor."""
    return screen.view.index_of(screen.table.cursor_key or "")


def _shows_rows(ui: Console, screen: ListScreen) -> str:
    """Check that the list has rows, a cursor and the columns that never drop."""
    titles, now = column_titles(screen), RenderTime(ui.app.session.clock.now())
    rows = [entry.row for entry in screen.rows.rows.values() if entry.row is not None][:200]
    for field in screen.kind.columns:
        # A column without any value has no title.
        left_out = all(field.cell(row, now).text in ("", formatting.DASH) for row in rows)
        if field.layout.priority == 0 and field.layout.width >= len(field.title) and not left_out:
            assert field.title in titles, f"{screen.kind.name} {ui.app.size}: {field.title}\n{ui.text}"
    assert screen.table.visible_keys, ui.text
    assert screen.table.cursor_key is not None
    assert f"{screen.kind.title} " in ui.text
    return "rows"


def _says_why(ui: Console, screen: ListScreen) -> str:
    """Check that an empty list shows the kind's message; return which one it was."""
    kind, rows = screen.kind, collection_in(screen).set
    shown_text = collapse_spaces(ui.text)
    closed = " ".join(screen.model.closed_lines())
    if closed:
        assert collapse_spaces(closed) in shown_text, f"{kind.name} {ui.app.size}\n{ui.text}"
        return "closed"
    if rows.freshness.error is not None:
        assert "Internal console error" not in shown_text, ui.text
        assert "r retries now" in shown_text, f"{kind.name} {ui.app.size}\n{ui.text}"
        return "failed"
    if rows.freshness.blocked_until is not None:
        assert "Request budget used up" in shown_text, ui.text
        return "blocked"
    assert collapse_spaces(with_key_names(kind.empty)) in shown_text, f"{kind.name} {ui.app.size}\n{ui.text}"
    return "empty"


async def _by_keyboard(ui: Console, kind: AnyKind) -> None:
    """Go to a kind's list by its digit, or by its name in the palette."""
    if kind.name in DIGITS:
        await type_keys(ui, DIGITS[kind.name])
    else:
        # In one go, as a quick typist does: what comes after the colon is for the palette that opens.
        await type_keys(ui, "colon", *kind.name, "enter")
    await wait_until(ui, lambda: ui.app.current_mode == kind.name, f"{kind.name} by keyboard")


async def _list_stands(ui: Console, kind: AnyKind, sizes: Sizes = NARROW_AND_USUAL) -> tuple[ListScreen, str]:
    """Go to a kind's list and check it in some sizes; return it and its content.

    The content is `rows`, or the reason for none.
    """
    await ui.app.parts.navigation.go(kind.name)
    screen = await wait_for_list(ui, kind)
    shown = set()
    for size in _sizes_from(ui, sizes):
        await resize(ui, size)
        shown.add(_shows_rows(ui, screen) if collection_in(screen).set.rows else _says_why(ui, screen))
    assert len(shown) == 1, shown
    return screen, shown.pop()


def _sizes_from(ui: Console, sizes: Sizes = SIZES) -> list[tuple[int, int]]:
    """Return the sizes with the present one first, which saves one resize."""
    return sorted(sizes, key=lambda size: size != ui.app.size)


async def _detail_stands(ui: Console, kind: AnyKind) -> DetailScreen:
    """Open the row under the cursor, check it in every size, open and close its JSON."""
    detail = await open_detail(ui, kind)
    name = kind_rows.name_of(kind, detail.entry())
    for size in _sizes_from(ui):
        await resize(ui, size)
        assert collapse_spaces(visible(name))[:20] in collapse_spaces(ui.text), ui.text
    pane = detail.query_one(EventPane)
    await type_keys(ui, "j")
    await wait_until(ui, lambda: pane.is_open, f"the JSON of a {kind.noun}")
    await type_keys(ui, "escape")
    await wait_until(ui, lambda: not pane.is_open, "the JSON closed")
    return detail


async def _follow_links(ui: Console, detail: DetailScreen) -> int:
    """Follow every link of a detail and come back; return the number of links."""
    kind = detail.kind
    links = list(links_of(kind.links, (detail.entry()).row))
    record = detail.record
    # A detail may put its facts away in a narrow terminal, and the keys then belong to what is left.
    await resize(ui, max(SIZES))
    tabs = 0
    while links and not record.has_focus and tabs < 5:
        # The JSON that was closed may still be giving the keys back.
        await ui.pilot.pause()
        if not record.has_focus:
            await type_keys(ui, "tab")
            tabs += 1
    for place, link in enumerate(links):
        await wait_until(ui, lambda: record.has_focus, "the record in front")
        presses = 0
        while record.links.at != place and presses < 60:
            # Waits until the key has been heard: one more would go past the link.
            await ui.press("down")
            presses += 1
        assert record.links.at == place, f"{kind.name}: {link} is not reached by the arrows"
        await type_keys(ui, "enter")
        await wait_until(ui, lambda: ui.app.screen is not detail, f"{kind.name}: {link}")
        await wait_until_drawn(ui)
        await type_keys(ui, "escape")
        await wait_for_screen(ui, detail)
    return len(links)


async def test_every_list_detail_and_link_opens_by_keyboard(seeded_database: Path, tmp_path: Path) -> None:
    async with console_on(SMALL, seeded_database, tmp_path) as ui:
        with_rows, followed = set(), 0
        for kind in kinds().values():
            # The other tests open the lists without the keyboard: typing every name takes a third of their time.
            await _by_keyboard(ui, kind)
            screen, shown = await _list_stands(ui, kind, SIZES)
            if shown == "rows":
                with_rows.add(kind.name)
                detail = await _detail_stands(ui, kind)
                followed += await _follow_links(ui, detail)
                await type_keys(ui, "escape")
                await wait_for_screen(ui, screen)
        # The contexts of a fresh machine are none; everything else is in the seed.
        assert with_rows >= {kind.name for kind in kinds().values() if reads_service(kind)}
        assert followed > len(kinds())


async def test_empty_account_shows_the_next_step(seeded_database: Path, tmp_path: Path) -> None:
    async with console_on(EMPTY, seeded_database, tmp_path) as ui:
        found = {kind.name: (await _list_stands(ui, kind))[1] for kind in kinds().values()}
        # What the service brings along, such as presets and models, is there from the start.
        assert set(found.values()) == {"rows", "empty"}, found


async def test_many_rows_of_hostile_texts_are_shown_as_they_came(
    seeded_database: Path, tmp_path: Path, every_case: bool
) -> None:
    async with console_on(MANY, seeded_database, tmp_path) as ui:
        for kind in share_of(kinds().values(), every_case):
            screen, shown = await _list_stands(ui, kind)
            if shown != "rows":
                continue
            rows = collection_in(screen).set.rows
            if collection_in(screen).set.total is None:
                assert len(rows) == ROWS
            assert f"{len(rows):,}" in ui.text, ui.text
            first = screen.table.cursor_key
            await type_keys(ui, "end")
            await wait_until(ui, lambda: _at(screen) == len(rows) - 1, "the last row")
            assert screen.table.cursor_key != first
            await resize(ui, max(SIZES))
            await wait_until(ui, lambda: "[red" in ui.text, f"a text of a {kind.noun} as it came")
            assert "\x1b" not in ui.text
            await open_detail(ui, kind)
            if kind.single is None:
                # A record that is read again by itself may have its true texts by now.
                await wait_until(ui, lambda: NASTY.strip() in ui.text, f"a fact of a {kind.noun} as it came")
            await type_keys(ui, "j")
            await wait_until(ui, lambda: ui.app.screen.query_one(EventPane).is_open, "the JSON")
            assert "\x1b" not in ui.text
            await type_keys(ui, "escape", "escape")
            await wait_for_screen(ui, screen)
            assert _at(screen) == len(rows) - 1


async def test_token_alone_sees_open_lists_and_reasons_for_closed_ones(
    seeded_database: Path, tmp_path: Path
) -> None:
    async with console_on(FORBIDDEN, seeded_database, tmp_path) as ui:
        found = {}
        for kind in kinds().values():
            screen, found[kind.name] = await _list_stands(ui, kind)
            if found[kind.name] == "closed":
                assert kind.needs, f"{kind.name} has no sentence for what a token alone lacks"
                assert collapse_spaces(messages.requirement_sentence(kind.needs)) in collapse_spaces(
                    ui.text
                ), ui.text
            elif collection_in(screen).source is not kind.sources[0] and reads_service(kind):
                assert collection_in(screen).set.notices, (
                    f"{kind.name} does not say what the narrow road hides"
                )
                left_out = [field for field in kind.columns if field.name in collection_in(screen).hides]
                found_rows, at = (
                    collection_in(screen).set.rows.values(),
                    RenderTime(ui.app.session.clock.now()),
                )
                rows = [entry.row for entry in found_rows if entry.row is not None]
                non_empty_columns = [
                    f.name
                    for f in left_out
                    if any(f.cell(row, at)[0] not in ("", formatting.DASH) for row in rows)
                ]
                assert not non_empty_columns, (
                    f"{kind.name} hides columns that have values: {non_empty_columns}"
                )
                # What the lists of other kinds lend may come later; for the rest, dashes alone are wasted room.
                values_by_column = [
                    {f.cell(row, at)[0] for row in rows} for f in kind.columns if f not in left_out
                ]
                assert kind.join is not None or len(rows) < 3 or {formatting.DASH} not in values_by_column, (
                    ui.text
                )
                assert not {field.title for field in left_out} & {*column_titles(screen).split()}, ui.text
        assert set(found.values()) <= {"closed", "rows", "empty"}, found
        assert list(found.values()).count("closed") > 5, found


@pytest.mark.parametrize(
    ("service", "expected", "start"),
    [(REFUSING, "failed", 0), (USED_UP, "blocked", 1), (FAILING, "failed", 2)],
    ids=_name,
)
async def test_failing_service_is_reported_with_the_next_step(
    service: ServiceState, expected: str, start: int, seeded_database: Path, tmp_path: Path, every_case: bool
) -> None:
    async with console_on(service, seeded_database, tmp_path) as ui:
        for kind in share_of(kinds().values(), every_case, start=start):
            _, shown = await _list_stands(ui, kind)
            assert shown == expected or not reads_service(kind), f"{kind.name}: {shown}\n{ui.text}"


async def _with_rows(ui: Console, kind: AnyKind) -> ListScreen:
    """Go to a kind's list and wait until its rows are drawn."""
    await ui.app.parts.navigation.go(kind.name)
    screen = await wait_for_list(ui, kind)
    if collection_in(screen).set.freshness.failures:
        await type_keys(ui, "r")
    await wait_until(ui, lambda: screen.table.visible_keys, f"rows of {kind.name}")
    await wait_until_drawn(ui)
    return screen


async def test_failing_refresh_keeps_rows_and_shows_their_age(
    seeded_database: Path, tmp_path: Path, every_case: bool
) -> None:
    async with console_on(FAULTY, seeded_database, tmp_path) as ui:
        faults = ui.server.plane.faults
        assert faults is not None
        for kind in filter(reads_service, share_of(kinds().values(), every_case, start=1)):
            faults.clear()
            screen = await _with_rows(ui, kind)
            fresh, before = collection_in(screen).set.freshness, dict(collection_in(screen).set.rows)
            faults.add(parse("* /api/* 500"))
            await type_keys(ui, "r")
            await wait_until(ui, lambda: fresh.failures and not fresh.loading, f"{kind.name} failing")
            screen.on_tick()
            screen.refresh_chrome()
            for size in _sizes_from(ui, NARROW_AND_USUAL):
                await resize(ui, size)
                await wait_until(ui, lambda: OLD.search(ui.text), f"{kind.name} {size}: how old it is")
                _shows_rows(ui, screen)
            assert collection_in(screen).set.rows.keys() == before.keys()
            await open_detail(ui, kind)
            await wait_until(ui, lambda: OLD.search(ui.text), f"{kind.name}: how old the record is")
            await type_keys(ui, "escape")
            await wait_for_screen(ui, screen)


async def test_row_that_did_not_parse_opens_and_offers_no_action(
    seeded_database: Path, tmp_path: Path, every_case: bool
) -> None:
    async with console_on(SPOILT, seeded_database, tmp_path) as ui:
        for kind in filter(reads_service, share_of(kinds().values(), every_case, start=2)):
            screen = await _with_rows(ui, kind)
            key = next(key for key, item in collection_in(screen).set.rows.items() if item.row is None)
            await wait_until(ui, lambda: screen.table.move_cursor_to(key), "the row")
            await wait_until_drawn(ui)
            for size in _sizes_from(ui, NARROW_AND_USUAL):
                await resize(ui, size)
                await wait_until(ui, lambda: "unreadable" in ui.text, f"{kind.name} {size}: the row")
            keys = ui.text.split("\n")[-1]
            for verb in kind.all_actions:
                if verb.key and not isinstance(verb, Creation):
                    assert f"{verb.key} {verb.label}" not in keys, f"{kind.name} {verb.id}\n{ui.text}"
                    ui.app.clear_notifications()
                    await type_keys(ui, {"+": "plus"}.get(verb.key, verb.key))
                    await wait_until(ui, lambda: ui.app._notifications, f"a word on {verb.id}")
                    assert {note.message for note in ui.app._notifications} == {
                        f"This {kind.noun} could not be read, so it cannot be changed."
                    }
            ui.app.clear_notifications()
            assert ui.app.screen is screen
            await open_detail(ui, kind)
            # The facts may stand beside a log, with a line between the two.
            shown = collapse_spaces(ui.text.replace("│", " "))
            assert "could not be read: name: not a text" in shown, f"{kind.name}\n{ui.text}"
            await type_keys(ui, "j")
            await wait_until(ui, lambda: ui.app.screen.query_one(EventPane).is_open, "the JSON")
            await type_keys(ui, "escape", "escape")
            await wait_for_screen(ui, screen)
        assert not ui.app.session.ledger.entries


async def test_every_list_reports_a_rejected_token(console: Any, every_case: bool) -> None:
    texts = ("The service does not accept this token.", "mogplex-tui login", "MOGPLEX_TOKEN")
    async with console(token="mog_nobodyhasthistokenatall00", cookie=False, gate=True, size=(80, 24)) as ui:
        await ui.sees("not signed in")
        names = [kind.name for kind in kinds().values() if reads_service(kind)]
        for place in ("observability", *share_of(names, every_case)):
            await ui.app.parts.navigation.go(place)
            await ui.until(
                lambda: all(collapse_spaces(text) in collapse_spaces(ui.text) for text in texts),
                f"{place} says what helps",
            )
            assert "browser session" not in ui.text
