"""Every list of the console has the expected content with each set of credentials."""

from __future__ import annotations

from pathlib import Path

from mogplex_tui.controlplane.core.plane import Plane
from tests.credentials.console import LISTED, Seen, Walk, walk
from tests.credentials.lists import COST, LISTS, TABLES, Rows, Shown
from tests.credentials.service import Credentials, services


def _extent(rows: frozenset[str], whole: frozenset[str]) -> Rows:
    if rows == whole:
        return Rows.ALL
    if not rows:
        return Rows.NONE
    return Rows.MORE if rows > whole else Rows.OTHER


def _cell(seen: Seen, whole: Seen) -> Shown:
    return Shown(_extent(seen.rows, whole.rows), tuple(sorted(seen.actions)), seen.says)


def _differences(credentials: Credentials, walked: Walk, whole: Walk, named: frozenset[str]) -> list[str]:
    """Return a line for each list that differs from the expected content.

    Also for each list that shows an id of `named`, and for too many requests.
    """
    found = []
    for line in LISTS:
        seen, expected = walked.lists[line.name], line.cell(credentials)
        cell = _cell(seen, whole.lists[line.name])
        if cell != expected:
            found.append(f"{line.name} with {credentials}:\n  shows {cell}\n  wants {expected}")
        if seen.ids & named:
            found.append(
                f"{line.name} with {credentials} shows ids of records with names: {seen.ids & named}"
            )
    cost = COST[credentials]
    if walked.requests > cost.requests or walked.turned_away > cost.turned_away:
        found.append(
            f"{credentials}: {walked.requests} requests, {walked.turned_away} turned away, not {cost}"
        )
    return found


def _with_names(plane: Plane) -> frozenset[str]:
    """Return the id prefixes of repositories, agents and automations.

    All of them have names.
    """
    rows = plane.db.all("SELECT id FROM repos UNION SELECT id FROM agents UNION SELECT id FROM flows")
    return frozenset(row["id"][:8] for row in rows)


def test_every_list_is_in_the_table() -> None:
    assert {line.name for line in LISTS} == set(LISTED)


async def test_every_list_shows_what_the_credentials_open(seeded_database: Path, tmp_path: Path) -> None:
    async with services(seeded_database, tmp_path) as running:
        whole = await walk(running, Credentials.BOTH, tmp_path)
        empty = [name for name, seen in whole.lists.items() if not seen.rows]
        assert not empty, "a list without rows proves nothing"
        plane = running.server_of(Credentials.BOTH).plane
        for name, table in TABLES.items():
            owned = plane.db.all(f"SELECT id FROM {table} WHERE user_id = ?", (plane.user_id,))
            assert whole.lists[name].rows == {row["id"] for row in owned}, name
        named = _with_names(plane)
        different = _differences(Credentials.BOTH, whole, whole, named)
        for credentials in Credentials:
            if credentials is not Credentials.BOTH:
                different += _differences(
                    credentials, await walk(running, credentials, tmp_path), whole, named
                )
    assert not different, "\n".join(different)
