"""Run the console on a service in a given state, and use its kind screens."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from textual.events import Resize
from textual.geometry import Size
from textual.screen import Screen

from mogplex_tui.api.route_access import Family
from mogplex_tui.api.target import Target
from mogplex_tui.app import ConsoleApp
from mogplex_tui.config.secret import Secret
from mogplex_tui.config.settings import load
from mogplex_tui.controlplane.core.plane import Settings as PlaneSettings
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.live.collection import Collection, Entry, RowPage, Source
from mogplex_tui.operate.kind_rows import new_collection
from mogplex_tui.operate.kinds.registry import kinds
from mogplex_tui.operate.model import AnyKind
from mogplex_tui.screens.console_screen import ConsoleScreen
from mogplex_tui.screens.detail_screen import DetailScreen
from mogplex_tui.screens.kind_list_model import KindList
from mogplex_tui.screens.list_screen import ListScreen
from mogplex_tui.widgets.line_table import LineTable
from tests.pilot.console import DEADLINE, Console, run_console
from tests.pilot.deferred_drawing import draw

SIZES = ((120, 40), (200, 50), (80, 24))
# A list draws no more than what it shows; ten times as many rows in the long form.
ROWS = 20_000 if os.environ.get("MOGPLEX_TEST_LONG") == "1" else 1_000
NASTY = "[red]x[/red] "
ESCAPE = "\x1b[31m"

SEEDED = PlaneSettings(speed=0, rate_limit=None)

PageChange = Callable[[RowPage[Any]], RowPage[Any]]


@dataclass(frozen=True)
class ServiceState:
    """The state of a service, the credentials, and a change of the lists it sends.

    `scopes` replace those of the token.
    """

    name: str
    settings: PlaneSettings = SEEDED
    token: bool = True
    cookie: bool = True
    may_write: bool = True
    scopes: tuple[str, ...] = ()
    budget_used_up: bool = False
    change: PageChange | None = None


def repeat_rows(page: RowPage[Any], rows: int = ROWS) -> RowPage[Any]:
    """Return a page whose rows are repeated under new keys up to a number."""
    entries = page.entries
    if not entries:
        return page
    more = [
        Entry(f"{entry.key}~{turn}", entry.row, entry.raw)
        for turn in range(1, rows // len(entries) + 1)
        for entry in entries
        if entry.row is not None
    ]
    return RowPage([*entries, *more][:rows], None)


def _nasty(value: Any) -> Any:
    if isinstance(value, str):
        return f"{NASTY}{value}{ESCAPE}"
    if isinstance(value, Mapping):
        return {key: _nasty(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_nasty(each) for each in value)
    if isinstance(value, BaseModel):
        names = type(value).model_fields
        return value.model_copy(update={name: _nasty(getattr(value, name)) for name in names})
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: _nasty(getattr(value, field.name)) for field in fields(value)})
    return value


def add_markup(page: RowPage[Any]) -> RowPage[Any]:
    """Return a page in which every text tries to be markup and to steer the terminal."""
    entries = [replace(entry, row=_nasty(entry.row), raw=_nasty(entry.raw)) for entry in page.entries]
    return RowPage(entries, page.total)


def break_first_row(page: RowPage[Any]) -> RowPage[Any]:
    """Return a page of which the first row did not parse."""
    broken = [replace(entry, row=None, unreadable_reason="name: not a text") for entry in page.entries[:1]]
    return replace(page, entries=[*broken, *page.entries[1:]])


def _changed(source: Source[Any], change: PageChange) -> Source[Any]:
    async def read(client: Any, session: Any) -> RowPage[Any]:
        return change(await source.read(client, session))

    return replace(source, read=read)


@asynccontextmanager
async def running_plane(
    settings: PlaneSettings, seeded_database: Path, place: Path
) -> AsyncIterator[PlaneServer]:
    """Run a plane; a seeded one gets a copy of the file `seed`."""
    path = None
    if settings.seeded:
        path = place / "plane.db"
        shutil.copy(seeded_database, path)
    async with PlaneServer(settings, path) as server:
        yield server


@asynccontextmanager
async def console_on(
    service: ServiceState, seeded_database: Path, place: Path, **wanted: Any
) -> AsyncIterator[Console]:
    """The console on a service in a state."""
    async with running_plane(service.settings, seeded_database, place) as server:
        token = server.token if service.may_write else server.read_only_token
        if service.scopes:
            with server.plane.db.transaction() as tx:
                query = "UPDATE user_api_keys SET scopes = ? WHERE token_prefix = ?"
                tx.execute(query, (json.dumps(service.scopes), token[:12]))
        target = Target(
            "test",
            server.base_url,
            Secret(token) if service.token else None,
            Secret(server.session_cookie) if service.cookie else None,
        )
        settings = load({"reduced_motion": True, **wanted}, environ={}, path=place / "none.toml")
        app = ConsoleApp(settings, target=target, directory=place / "state", context="test")
        if service.budget_used_up:
            use_up_budget(app)
        if service.change is not None:
            for kind in kinds().values():
                sources = tuple(_changed(source, service.change) for source in kind.sources)
                app.parts.collections._by_kind[kind.name] = new_collection(
                    app.session, replace(kind, sources=sources)
                )
        async with run_console(app, server, size=SIZES[0]) as ui:
            yield ui


def use_up_budget(app: ConsoleApp) -> None:
    """Use up the request budget for the rest of a test."""
    from mogplex_tui.api.budget import Priority, RequestOutcome, Slot

    budget = app.session.budget
    budget.window = 3600.0
    for _ in range(budget.limit):
        slot = budget.acquire(Priority.ACTION)
        assert isinstance(slot, Slot)
        budget.record_outcome(slot, RequestOutcome.COUNTED)


def collapse_spaces(text: str) -> str:
    """Return a text with runs of white space as one blank, to ignore line breaks."""
    return " ".join(text.split())


def reads_service(kind: AnyKind) -> bool:
    """Return whether a kind's rows come from the service, not from a local file."""
    return any(source.family is not Family.OTHER for source in kind.sources)


async def wait_until(ui: Console, condition: Callable[[], Any], what: str) -> None:
    """Wait until a condition holds, without waiting for the app to be idle."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + DEADLINE
    while not condition():
        assert loop.time() < deadline, f"{what} never came true:\n{ui.text}"
        await asyncio.sleep(0.002)


def collection_in(screen: Screen[Any]) -> Collection[Any]:
    """Return the collection behind the list of a kind."""
    assert isinstance(screen, ListScreen)
    assert isinstance(screen.model, KindList)
    return screen.model.collection


def front_screen(ui: Console) -> ConsoleScreen:
    """Return the screen in front, which is none of Textual's own."""
    screen = ui.app.screen
    assert isinstance(screen, ConsoleScreen)
    return screen


async def wait_for_list(ui: Console, kind: AnyKind) -> ListScreen:
    """Wait until a kind's list is shown and has been read; return its screen."""

    def ready() -> bool:
        screen = ui.app.screen
        if not (
            isinstance(screen, ListScreen)
            and screen.kind is kind
            and screen.is_complete
            and screen.is_mounted
        ):
            return False
        fresh = screen.model.rows.freshness
        known = fresh.as_of is not None or fresh.error is not None or fresh.blocked_until is not None
        return known or bool(screen.model.closed_lines())

    await wait_until(ui, ready, f"the list of {kind.name}")
    screen = ui.app.screen
    assert isinstance(screen, ListScreen)
    screen.flush()
    screen.on_tick()
    await wait_until_drawn(ui)
    return screen


async def wait_until_drawn(ui: Console) -> None:
    """Wait until the screen in front has drawn its pending changes."""
    drawn = asyncio.Event()
    while not drawn.is_set():
        screen = ui.app.screen
        screen.call_after_refresh(drawn.set)
        await wait_until(ui, lambda: drawn.is_set() or ui.app.screen is not screen, "drawing")
    draw(ui.app)


async def type_keys(ui: Console, *keys: str) -> None:
    """Press keys in sequence without waiting for the effect of each."""
    for key in keys:
        ui.app.simulate_key(key)
    await wait_until_drawn(ui)


async def resize(ui: Console, size: tuple[int, int]) -> None:
    """Make the terminal another size."""
    if ui.app.size != size:
        ui.app.post_message(Resize(Size(*size), Size(*size)))
        await wait_until(ui, lambda: ui.app.screen.size == size, f"the size {size}")
        await wait_until_drawn(ui)


def column_titles(screen: ListScreen) -> str:
    """Return the line of column titles as it is drawn."""
    return screen.query_one(LineTable).render_line(0).text


async def open_detail(ui: Console, kind: AnyKind) -> DetailScreen:
    """Press enter on a list and wait for the detail."""
    await type_keys(ui, "enter")

    def ready() -> bool:
        screen = ui.app.screen
        return (
            isinstance(screen, DetailScreen)
            and screen.kind is kind
            and screen.is_complete
            and screen.is_mounted
        )

    await wait_until(ui, ready, f"a detail of {kind.name}")
    await wait_until_drawn(ui)
    screen = ui.app.screen
    assert isinstance(screen, DetailScreen)
    return screen


async def wait_for_screen(ui: Console, screen: Any) -> None:
    """Wait until this screen is in front again."""
    await wait_until(ui, lambda: ui.app.screen is screen, f"{type(screen).__name__} in front")


def first_readable(items: Mapping[str, Entry[Any]]) -> Entry[Any] | None:
    """Return one record that could be read."""
    return next((item for item in items.values() if item.row is not None), None)
