"""Every list of the console with each of the five sets of credentials, held against the table."""

from __future__ import annotations

from pathlib import Path

from tests.credentials.console import LISTED, Seen, Walk, walk
from tests.credentials.lists import COST, LISTS, TABLES, Rows, Shown
from tests.credentials.service import Credentials, services
from tests.pilot.kinds.conftest import seed

__all__ = ["seed"]


def _extent(rows: frozenset[str], whole: frozenset[str]) -> Rows:
    if rows == whole:
        return Rows.ALL
    if not rows:
        return Rows.NONE
    return Rows.MORE if rows > whole else Rows.OTHER


def _cell(seen: Seen, whole: Seen) -> Shown:
    return Shown(_extent(seen.rows, whole.rows), tuple(sorted(seen.actions)), seen.says)


def _differences(credentials: Credentials, walked: Walk, whole: Walk) -> list[str]:
    """Return a line for each cell that differs from the table, and for each id that has a name elsewhere."""
    found = []
    for line in LISTS:
        seen, expected = walked.lists[line.name], line.cell(credentials)
        cell = _cell(seen, whole.lists[line.name])
        if cell != expected:
            found.append(f"{line.name} with {credentials}:\n  shows {cell}\n  wants {expected}")
        nameless = seen.ids - whole.lists[line.name].ids
        if nameless and expected.rows is not Rows.OTHER:
            found.append(f"{line.name} with {credentials} shows ids instead of names: {sorted(nameless)}")
    cost = COST[credentials]
    if walked.requests > cost.requests or walked.turned_away > cost.turned_away:
        found.append(
            f"{credentials}: {walked.requests} requests, {walked.turned_away} turned away, not {cost}"
        )
    return found


def test_every_list_is_in_the_table() -> None:
    assert {line.name for line in LISTS} == set(LISTED)


async def test_every_list_shows_what_the_credentials_open(seed: Path, tmp_path: Path) -> None:
    async with services(seed, tmp_path) as running:
        whole = await walk(running, Credentials.BOTH, tmp_path)
        empty = [name for name, seen in whole.lists.items() if not seen.rows]
        assert not empty, "a list without rows proves nothing"
        plane = running.server_of(Credentials.BOTH).plane
        for name, table in TABLES.items():
            owned = plane.db.all(f"SELECT id FROM {table} WHERE user_id = ?", (plane.user_id,))
            assert whole.lists[name].rows == {row["id"] for row in owned}, name
        different = _differences(Credentials.BOTH, whole, whole)
        for credentials in Credentials:
            if credentials is not Credentials.BOTH:
                different += _differences(credentials, await walk(running, credentials, tmp_path), whole)
    assert not different, "\n".join(different)
