"""Open every list of the console with a set of credentials."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from mogplex_tui.api.target import Target
from mogplex_tui.app import ConsoleApp
from mogplex_tui.config.secret import Secret
from mogplex_tui.config.settings import load
from mogplex_tui.operate import messages
from mogplex_tui.operate.kinds.registry import kinds
from tests.credentials.credential_sets import Credentials, Services
from tests.pilot.console import Console, run_console
from tests.pilot.kinds.kind_screens import (
    collection_in,
    reads_service,
    wait_for_list,
    wait_until,
    wait_until_drawn,
)

RUNS = "runs"
LISTED = [RUNS, *(kind.name for kind in kinds().values() if reads_service(kind))]
# Actions that the key bar offers on every list.
_EVERYWHERE = {
    "open",
    "filter",
    "sort",
    "columns",
    "mark",
    "space mark",
    "mark alike",
    "failed",
    "live",
    "range",
    "copy id",
    "browser",
    "back",
    "command",
    "help",
    "open by id",
}
_SHORT_ID = re.compile(r"(?<![\w-])(?=[0-9a-f]*[0-9])[0-9a-f]{8}(?![\w-])")


class ShownList(NamedTuple):
    """A list as the console shows it: keys of rows, actions on the first, notices.

    `ids` are the id prefixes that it shows.
    """

    rows: frozenset[str]
    actions: frozenset[str]
    notice: str
    ids: frozenset[str]


class ConsoleLists(NamedTuple):
    """All lists, with the number of requests and of redirects to the login page."""

    lists: dict[str, ShownList]
    requests: int
    turned_away: int


@asynccontextmanager
async def _console(services: Services, credentials: Credentials, directory: Path) -> AsyncIterator[Console]:
    edge, (token, cookie) = services.edge_of(credentials), services.values_of(credentials)
    target = Target(
        "test", edge.base_url, Secret(token) if token else None, Secret(cookie) if cookie else None
    )
    settings = load({"reduced_motion": True}, environ={}, path=directory / "none.toml")
    app = ConsoleApp(settings, target=target, directory=None, context="test")
    # The plane has no limit; the console's own budget would delay the last lists by a minute.
    app.session.budget.limit = 1000
    async with run_console(app, services.server_of(credentials), edge, size=(200, 50)) as ui:
        yield ui


def _is_everything_read(ui: Console) -> bool:
    """Return whether every wanted feed was read or refused at least once."""
    feeds = ui.app.session.scheduler._feeds.values()
    return all(
        not feed.running and (feed.finished is not None or feed.freshness.error is not None)
        for feed in feeds
        # With a token alone some are read after all others.
        if not (feed.metered_delay and feed.metered())
    )


async def open_every_list(services: Services, credentials: Credentials, directory: Path) -> ConsoleLists:
    """Open every list of a console once."""
    edge = services.edge_of(credentials)
    edge.requests.clear()
    edge.turned_away.clear()
    lists = {}
    async with _console(services, credentials, directory) as ui:
        for name in LISTED:
            lists[name] = await _open_list(ui, name)
    return ConsoleLists(lists, len(edge.requests), len(edge.turned_away))


async def _open_list(ui: Any, name: str) -> ShownList:
    await ui.app.parts.navigation.go(name)
    closed: Callable[[], list[str]]
    if name == RUNS:
        rows, closed = ui.app.runs.set, list
    else:
        kind = kinds()[name]
        collection = collection_in(await wait_for_list(ui, kind))
        rows, closed = collection.set, lambda: messages.closed_lines(collection.closed(), kind.needs)

    def is_known() -> bool:
        # If a source is refused, the next one is read.
        return _is_everything_read(ui) and (rows.freshness.as_of is not None or bool(closed()))

    await wait_until(ui, is_known, f"everything for {name}")
    ui.app.screen.on_tick()
    await wait_until_drawn(ui)
    lines = ui.text.splitlines()
    bar = {piece.partition(" ")[2] for piece in re.split(r" {3}", lines[-1].strip())}
    return ShownList(
        frozenset(rows.rows),
        frozenset(bar - _EVERYWHERE),
        " ".join(closed()) or messages.notices_text(rows.notices),
        frozenset(_SHORT_ID.findall("\n".join(lines[4:-1]))),
    )
