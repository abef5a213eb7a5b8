"""`list` over more records than the service returns at once.

Filters, sort orders and limits hold for all of them.
"""

from __future__ import annotations

import pytest

from tests.cli.support import Mogplex
from tests.controlplane.automation.automation_rows import ledger_row
from tests.controlplane.row_factory import RowFactory

COUNT = 250


@pytest.fixture
def ledger(world: RowFactory) -> list[str]:
    """Add so many ledger entries, oldest last, each with its own source.

    A few of them were suppressed.
    """
    now = world.clock.us
    return [
        ledger_row(
            world,
            "suppressed" if number % 60 == 59 else "queued",
            created_at=now - number * 1_000_000,
            source_type=f"source{(number * 7) % COUNT:03}",
        )
        for number in range(COUNT)
    ]


async def listed(operator: Mogplex, *words: str) -> tuple[list[str], str]:
    done = await operator("dispatch", "list", "--json", *words)
    assert done.code == 0, done.err
    return [each["id"] for each in done.objects], done.err


async def test_newest_are_listed_and_the_rest_is_counted(operator: Mogplex, ledger: list[str]) -> None:
    assert await listed(operator) == (ledger[:100], "Listed: 100 of 250; --limit N lists more.\n")
    assert (await listed(operator, "--limit", "220"))[0] == ledger[:220]
    assert (await listed(operator, "--limit", "300"))[0] == ledger


async def test_filter_finds_old_entries_too(operator: Mogplex, ledger: list[str]) -> None:
    found = await listed(operator, "outcome:suppressed")
    assert found == ([ledger[number] for number in range(59, COUNT, 60)], "")
    by_source = await listed(operator, "source:=source001")
    assert by_source == ([ledger[next(n for n in range(COUNT) if n * 7 % COUNT == 1)]], "")


async def test_limit_ends_the_search_when_enough_is_found(operator: Mogplex, ledger: list[str]) -> None:
    found = await listed(operator, "source:source0", "--limit", "2")
    assert len(found[0]) == 2
    assert "Listed: 2 of at least" in found[1]


async def test_order_holds_for_all_entries(operator: Mogplex, ledger: list[str]) -> None:
    by_source = sorted(range(COUNT), key=lambda number: number * 7 % COUNT)
    assert (await listed(operator, "--sort", "source", "--limit", "3"))[0] == [
        ledger[n] for n in by_source[:3]
    ]
    last = await listed(operator, "--sort", "source", "--reverse", "--limit", "3")
    assert last[0] == [ledger[n] for n in by_source[:-4:-1]]
