"""`list` over more records than the service returns at once.

Filters, sort orders and limits hold for all of them.
"""

from __future__ import annotations

import pytest

from tests.cli.support import CommandRunner
from tests.controlplane.automation.automation_rows import ledger_row
from tests.controlplane.row_factory import RowFactory

COUNT = 250


@pytest.fixture
def ledger(factory: RowFactory) -> list[str]:
    """Add so many ledger entries, oldest last, each with its own source.

    A few of them were suppressed.
    """
    now = factory.clock.us
    return [
        ledger_row(
            factory,
            "suppressed" if number % 60 == 59 else "queued",
            created_at=now - number * 1_000_000,
            source_type=f"source{(number * 7) % COUNT:03}",
        )
        for number in range(COUNT)
    ]


async def list_ids(operator: CommandRunner, *words: str) -> tuple[list[str], str]:
    result = await operator("dispatch", "list", "--json", *words)
    assert result.code == 0, result.err
    return [each["id"] for each in result.objects], result.err


async def test_newest_are_listed_and_rest_is_counted(operator: CommandRunner, ledger: list[str]) -> None:
    assert await list_ids(operator) == (ledger[:100], "Listed: 100 of 250; --limit N shows more.\n")
    assert (await list_ids(operator, "--limit", "220"))[0] == ledger[:220]
    assert (await list_ids(operator, "--limit", "300"))[0] == ledger


async def test_filter_finds_old_entries(operator: CommandRunner, ledger: list[str]) -> None:
    found = await list_ids(operator, "outcome:suppressed")
    assert found == ([ledger[number] for number in range(59, COUNT, 60)], "")
    by_source = await list_ids(operator, "source:=source001")
    assert by_source == ([ledger[next(n for n in range(COUNT) if n * 7 % COUNT == 1)]], "")


async def test_limit_ends_search_when_reached(operator: CommandRunner, ledger: list[str]) -> None:
    found = await list_ids(operator, "source:source0", "--limit", "2")
    assert len(found[0]) == 2
    assert "Listed: 2 of at least" in found[1]


async def test_sort_covers_all_entries(operator: CommandRunner, ledger: list[str]) -> None:
    by_source = sorted(range(COUNT), key=lambda number: number * 7 % COUNT)
    assert (await list_ids(operator, "--sort", "trigger", "--limit", "3"))[0] == [
        ledger[n] for n in by_source[:3]
    ]
    last = await list_ids(operator, "--sort", "trigger", "--reverse", "--limit", "3")
    assert last[0] == [ledger[n] for n in by_source[:-4:-1]]
