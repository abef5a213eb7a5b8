"""Lists and details of every kind in three sizes, from a seeded plane."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.target import Target
from mogplex_tui.config.contexts import Context, change
from mogplex_tui.config.secret import Secret
from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.live.collection import Collection, Entry
from mogplex_tui.live.reasons import Notice
from mogplex_tui.live.run_row import RunRow
from mogplex_tui.live.runs import Runs
from mogplex_tui.live.session import Session
from mogplex_tui.live.store import RowSet
from mogplex_tui.operate.kind_rows import new_collection, read_single, sort_key_of
from mogplex_tui.operate.kinds.api_keys import ApiKeyRow
from mogplex_tui.operate.kinds.registry import kinds
from tests.case_share import share_of
from tests.controlplane.manual_clock import ManualClock
from tests.snapshots.frozen_console import SIZES, FrozenConsole, frozen_console, size_id
from tests.snapshots.screenshots import NamedSnapshot, screenshot, wait_until_settled

SHOWN = tuple(sorted(kinds()))
NOW = datetime(2026, 8, 5, 10, 0, 5, tzinfo=UTC)


class FixedClock:
    """The console's clock: five seconds after the plane's."""

    def monotonic(self) -> float:
        return 1000.0

    def now(self) -> datetime:
        return NOW


def _in_order() -> list[str]:
    """Return the kinds in an order in which joined kinds come first."""
    found: list[str] = []

    def add(name: str) -> None:
        if name in SHOWN and name not in found:
            join = kinds()[name].join
            for other in () if join is None else join.related:
                add(other)
            found.append(name)

    for name in SHOWN:
        add(name)
    return found


def _keep_contexts() -> None:
    """Store two contexts, whose list the console reads from a file."""
    prod = Context(
        "prod",
        "https://mogplex.example",
        protected=True,
        credential_store="keyring",
        credential_kinds=("token", "session"),
    )
    other = Context(
        "laptop",
        "http://127.0.0.1:4700",
        read_only=True,
        credential_store="file",
        credential_kinds=("token",),
    )
    change(lambda none: none.put(prod).put(other))


async def _read() -> tuple[
    dict[str, tuple[dict[str, Entry[Any]], tuple[Notice, ...], int | None]], RowSet[RunRow]
]:
    found = {}
    async with PlaneServer(Settings(speed=0, rate_limit=None), clock=ManualClock()) as server:
        target = Target("prod", server.base_url, Secret(server.token), Secret(server.session_cookie))
        session = Session(target, clock=FixedClock())
        try:
            repos, agents = await session.client.repos.list(), await session.client.agents.list()
            session.names.repos.update({repo.id: repo.full_name for repo in repos})
            session.names.agents.update({agent.id: agent.name for agent in agents if agent.name})
            runs = Runs(session)
            runs.calls.pages = 2
            await runs.fetch()
            for name in _in_order():
                kind = kinds()[name]
                collection = new_collection(session, kind)
                await collection.fetch()
                first = _first(collection)
                if kind.single is not None and first is not None:
                    collection.put(await read_single(kind.single, session.client.at(Priority.ACTION), first))
                found[name] = (
                    _with_fixed_prefixes(collection.set.rows),
                    collection.set.notices,
                    collection.set.total,
                )
        finally:
            await session.stop()
    return found, runs.set


def _with_fixed_prefixes(rows: Mapping[str, Entry[Any]]) -> dict[str, Entry[Any]]:
    """Return the rows with fixed API key prefixes, which the plane draws at random."""
    found = dict(rows)
    for key, item in rows.items():
        if isinstance(item.row, ApiKeyRow):
            found[key] = replace(item, row=replace(item.row, prefix=f"mog_{key[:8]}"))
    return found


def _first(collection: Collection[Any]) -> Entry[Any] | None:
    """Return the first record of the list."""
    kind = kinds()[collection.name]
    rows = collection.set.rows.values()
    return (
        sorted(rows, key=sort_key_of(kind, None, lambda _: NOW), reverse=kind.descending)[0] if rows else None
    )


@cache
def _rows() -> tuple[dict[str, tuple[dict[str, Entry[Any]], tuple[Notice, ...], int | None]], RowSet[RunRow]]:
    _keep_contexts()
    return asyncio.run(_read())


def _filled() -> FrozenConsole:
    app = frozen_console()
    app.session.clock = FixedClock()
    kinds_rows, runs = _rows()
    app.session.store.set("runs").apply(runs.rows.items())
    app.session.store.set("runs").whole_since = runs.whole_since
    for name, (rows, notices, total) in kinds_rows.items():
        kind = kinds()[name]
        for source in kind.sources:
            app.session.access.learn(source.family)
        collection = app.parts.collections.of(kind)
        collection.set.apply(rows.items())
        collection.set.notices, collection.set.total = notices, total
        collection.set.freshness.as_of, collection.set.freshness.as_of_wall = 998.0, NOW
    return app


async def _screenshots(app: FrozenConsole, name: str, every_size: bool) -> dict[str, str]:
    """Return pictures of a kind's list and of its first row's detail in some sizes.

    Without `every_size` each is taken in one size, which differs from kind to kind. The keys are the names of the
    snapshot files.
    """
    start = SHOWN.index(name) % len(SIZES)
    found = {}
    async with app.run_test(size=SIZES[0]) as pilot:
        await app.parts.navigation.go(name)
        for view, in_order in (("list", SIZES), ("detail", SIZES[::-1])):
            for size in share_of(in_order, every_size, step=len(SIZES), start=start):
                await pilot.resize_terminal(*size)
                await wait_until_settled(pilot)
                # The key bar follows a new layout with the next tick.
                app.screen.tick()  # type: ignore[attr-defined]
                await pilot.pause()
                found[f"test_{view}[{name}-{size_id(size)}]"] = screenshot(pilot)
            # Enter switches to a context.
            await pilot.press("i" if name == "contexts" else "enter")
    return found


@pytest.mark.parametrize("name", SHOWN)
def test_list_and_detail(
    snapshot: SnapshotAssertion, name: str, every_case: bool, pytestconfig: pytest.Config
) -> None:
    kept = snapshot.use_extension(NamedSnapshot)
    taken = asyncio.run(
        _screenshots(_filled(), name, every_case or pytestconfig.getoption("update_snapshots"))
    )
    wrong = [title for title, shown in taken.items() if kept(name=title) != shown]
    assert not wrong, "these differ; `make snapshots` takes them anew, and git shows the difference"
