"""Every list of the console has the expected content with each set of credentials."""

from __future__ import annotations

from pathlib import Path

from mogplex_tui.controlplane.core.plane import Plane
from tests.credentials.console_lists import LISTED, ConsoleLists, ShownList, open_every_list
from tests.credentials.credential_sets import USUAL, Credentials, services
from tests.credentials.expected_lists import LISTS, MAX_REQUESTS, TABLES, ExpectedList, Rows


def _compare_rows(rows: frozenset[str], reference: frozenset[str]) -> Rows:
    if rows == reference:
        return Rows.ALL
    if not rows:
        return Rows.NONE
    return Rows.MORE if rows > reference else Rows.OTHER


def _actual_content(shown: ShownList, reference: ShownList) -> ExpectedList:
    return ExpectedList(_compare_rows(shown.rows, reference.rows), tuple(sorted(shown.actions)), shown.notice)


def _differences(
    credentials: Credentials, lists: ConsoleLists, reference: ConsoleLists, named: frozenset[str]
) -> list[str]:
    """Return a line for each list that differs from the expected content.

    Also for each list that shows an id of `named`, and for too many requests.
    """
    differences = []
    for row in LISTS:
        shown, expected = lists.lists[row.name], row.cell(credentials)
        actual = _actual_content(shown, reference.lists[row.name])
        if actual != expected:
            differences.append(f"{row.name} with {credentials}:\n  shows {actual}\n  wants {expected}")
        if shown.ids & named:
            differences.append(
                f"{row.name} with {credentials} shows ids of records with names: {shown.ids & named}"
            )
    limit = MAX_REQUESTS[credentials]
    if lists.requests > limit.requests or lists.turned_away > limit.turned_away:
        differences.append(
            f"{credentials}: {lists.requests} requests, {lists.turned_away} turned away, not {limit}"
        )
    return differences


def _ids_with_names(plane: Plane) -> frozenset[str]:
    """Return the id prefixes of repositories, agents and automations.

    All of them have names.
    """
    rows = plane.db.all("SELECT id FROM repos UNION SELECT id FROM agents UNION SELECT id FROM flows")
    return frozenset(row["id"][:8] for row in rows)


def test_every_list_is_in_the_table() -> None:
    assert {row.name for row in LISTS} == set(LISTED)


async def test_every_list_has_the_expected_content(
    seeded_database: Path, tmp_path: Path, every_case: bool
) -> None:
    async with services(seeded_database, tmp_path) as running:
        reference = await open_every_list(running, Credentials.BOTH, tmp_path)
        empty = [name for name, shown in reference.lists.items() if not shown.rows]
        assert not empty, "a list without rows proves nothing"
        plane = running.server_of(Credentials.BOTH).plane
        for name, table in TABLES.items():
            owned = plane.db.all(f"SELECT id FROM {table} WHERE user_id = ?", (plane.user_id,))
            assert reference.lists[name].rows == {row["id"] for row in owned}, name
        named = _ids_with_names(plane)
        differences = _differences(Credentials.BOTH, reference, reference, named)
        for credentials in Credentials if every_case else USUAL:
            if credentials is not Credentials.BOTH:
                differences += _differences(
                    credentials, await open_every_list(running, credentials, tmp_path), reference, named
                )
    assert not differences, "\n".join(differences)
