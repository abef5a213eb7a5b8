"""`mogplex-tui cost` prints sums by group, what they cover, and forecasts."""

from __future__ import annotations

import re
from decimal import Decimal

from mogplex_tui.controlplane.calls.pricing import Tokens
from mogplex_tui.controlplane.db.clock import DAY_US, HOUR_US, SECOND_US
from mogplex_tui.controlplane.faults.rules import parse
from mogplex_tui.controlplane.server import PlaneServer
from tests.cli.support import CommandRunner
from tests.controlplane.row_factory import RowFactory

_GROUPS = """
    SELECT calls.model, repos.full_name, count(*), sum(calls.status = 'failed'), sum(calls.cost_usd IS NULL),
        sum(calls.cost_usd)
    FROM ai_calls AS calls LEFT JOIN repos ON repos.id = calls.repo_id GROUP BY 1, 2
"""


async def test_cost_by_group_equals_the_sums_of_the_service(
    operator: CommandRunner, factory: RowFactory, plane: PlaneServer
) -> None:
    repos = [factory.repo("acme/api"), factory.repo("acme/web"), None]
    for number in range(250):
        is_priced = number % 7
        factory.call(
            started_at=factory.clock.us - SECOND_US - number * HOUR_US // 20, repo_id=repos[number % 3],
            status="failed" if number % 5 == 0 else "success", model=f"acme/nova-{number % 4}",
            tokens=Tokens(1000, 100), cost_usd=0.01 * number if is_priced else None,
            cost_source="gateway" if is_priced else None,
        )  # fmt: skip
    *groups, summary = (await operator("cost", "--by", "model,repo", "--range", "7d", "--json")).objects
    found = {
        (each["model"], each["repo"], each["calls"], each["failed"], each["calls_without_price"])
        for each in groups
    }
    expected = [tuple(row) for row in plane.plane.db.all(_GROUPS)]
    assert found == {row[:5] for row in expected}
    costs = {(each["model"], each["repo"]): Decimal(each["cost_usd"] or 0) for each in groups}
    for model, repo, _, _, _, cost in expected:
        assert float(costs[model, repo]) == round(cost or 0, 8)
    assert (summary["calls"], summary["missing"]) == (250, [])
    assert Decimal(summary["cost_usd"]) == sum(costs.values())
    text = await operator("cost", "--by", "repo")
    assert re.search(r"acme/web +\$[\d.]+ +█+", text.out) and "(no repo)" in text.out
    assert "calls: complete" in text.out and "forecast to midnight UTC ~$" in text.out
    assert "per success" in text.out and "of prompts cached" in text.out
    assert (await operator("cost", "-o", "csv")).out.startswith("model,cost_usd,provenance,calls,")


async def test_missing_calls_are_named_and_read_by_the_next_command(
    operator: CommandRunner, factory: RowFactory
) -> None:
    for number in range(150):
        factory.call(
            started_at=factory.clock.us - SECOND_US - number * HOUR_US, status="success",
            cost_usd=None, metadata={"harness_id": "codex"},
        )  # fmt: skip
    first = await operator("cost", "--range", "30d", "--pages", "0")
    assert "– from 100 calls, 100 without a price" in first.out and "$0.00" not in first.out
    assert re.search(r"complete since \w{3} .*; calls may be missing from \w{3} ", first.out)
    summary = (await operator("cost", "--range", "30d", "--json")).objects[-1]
    assert (summary["calls"], summary["cost_usd"], summary["missing"]) == (150, None, [])
    assert summary["forecasts"] == []


async def test_calls_of_past_days_are_shown_without_the_service(
    operator: CommandRunner, factory: RowFactory, plane: PlaneServer
) -> None:
    factory.call(started_at=factory.clock.us - 2 * DAY_US, status="success", model="acme/nova",
                 tokens=Tokens(1, 1), cost_usd=2.5, cost_source="gateway")  # fmt: skip
    await operator("cost", "--range", "7d")
    assert plane.plane.faults is not None
    plane.plane.faults.add(parse("GET /api/observability/calls status:503"))
    offline = await operator("cost", "--range", "7d")
    assert (offline.code, "Calls that were read before are shown." in offline.err) == (0, True)
    assert "$2.50 from 1 call" in offline.out


async def test_wrong_dimensions_and_ranges_are_named(operator: CommandRunner) -> None:
    for argv in (("--by", "colour"), ("--by", "model,model"), ("--range", "yesterday"), ("--pages", "x")):
        assert (await operator("cost", *argv)).code == 2
    assert "No calls in this time." in (await operator("cost")).out
