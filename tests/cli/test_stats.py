from __future__ import annotations

from decimal import Decimal
from urllib.parse import parse_qs

import pytest

from mogplex_tui.controlplane.calls.pricing import Tokens
from mogplex_tui.controlplane.db.clock import DAY_US, HOUR_US, SECOND_US
from mogplex_tui.controlplane.server import PlaneServer
from tests.api.support import Seen, http, serving
from tests.cli.support import CommandRunner, serve_behind_edge
from tests.controlplane.row_factory import RowFactory


def priced(factory: RowFactory, ago: int, cost: float, **columns: object) -> None:
    factory.call(
        started_at=factory.clock.us - ago,
        status="success",
        model="acme/nova-1",
        tokens=Tokens(1000, 0),
        cost_usd=cost,
        cost_source="gateway",
        duration_ms=1500,
        **columns,
    )


async def test_cost_is_printed_for_each_time_range(operator: CommandRunner, factory: RowFactory) -> None:
    priced(factory, SECOND_US, 0.5)
    priced(factory, 2 * HOUR_US, 1.25, type="chat")
    priced(factory, 3 * DAY_US, 4.0)
    priced(factory, 20 * DAY_US, 100.0)
    result = await operator("stats", "--json")
    assert (result.code, result.err) == (0, "")
    stats = result.only_object
    cost = stats["cost"]
    assert (cost["per_hour"], cost["day"], cost["week"]) == ("0.5", "1.75", "5.75")
    assert (cost["provenance"], cost["since"]) == ("estimated", "1.75")
    assert stats["usage"]["calls"] == 2
    assert {row["type"]: row["count"] for row in stats["by_type"]} == {"agent": 1, "chat": 1}
    assert stats["by_model"] == [{"model": "acme/nova-1", "count": 2, "tokens": 2000}]
    assert stats["as_of"].endswith("Z") and stats["since"].endswith("Z")
    wider = (await operator("stats", "--json", "--since", "30d")).only_object
    assert wider["cost"]["since"] == "105.75"
    assert wider["usage"]["calls"] == 4
    # The route sums billed and computed cost without saying how much of each.
    text = (await operator("stats")).out
    assert "~$0.50/h" in text and "~$1.75" in text and "~$5.75" in text and " $" not in text


async def test_unpriced_calls_have_no_cost(operator: CommandRunner, factory: RowFactory) -> None:
    factory.call(status="success", tokens=Tokens(5000, 10))
    result = await operator("stats")
    facts = {line.strip().rpartition("  ")[0].strip(): line.rpartition("  ")[2] for line in result.lines}
    assert facts["last hour"] == facts["24 hours"] == facts["7 days"] == "–"
    assert "$0.00" not in result.out
    stats = (await operator("stats", "--json")).only_object
    assert stats["cost"]["day"] is None


async def test_no_calls_cost_zero_without_success_rate(operator: CommandRunner) -> None:
    stats = (await operator("stats", "--json")).only_object
    assert Decimal(stats["cost"]["day"]) == 0
    assert stats["usage"]["success_rate"] is None
    assert stats["jobs"]["success_rate"] is None
    text = await operator("stats")
    assert "$0.00" in text.out and "~" not in text.out
    assert "–" in text.out


async def test_jobs_dispatch_and_limits_are_counted(operator: CommandRunner, factory: RowFactory) -> None:
    flow, repo = factory.flow(), factory.repo("acme/api")
    factory.job(flow, repo, start=True)
    factory.job(flow, repo)
    await operator("runs", "start", "--repo", "acme/api", "--prompt", "x")
    stats = (await operator("stats", "--json")).only_object
    assert (stats["jobs"]["running"], stats["jobs"]["pending"], stats["jobs"]["total"]) == (1, 1, 2)
    assert stats["dispatch"]["limit_allowed"] == 1
    assert stats["by_limit"] == [{"route_key": "external_agent_run", "allowed": 1, "denied": 0}]


async def test_closed_stats_are_reported_with_advice(mogplex: CommandRunner, plane: PlaneServer) -> None:
    async with serve_behind_edge(plane) as service:
        mogplex.use(service.base_url, token=plane.token)
        result = await mogplex("stats", "--json")
    assert (result.code, result.out) == (3, "")
    assert "the stats" in result.err
    assert "login --session" in result.err


async def test_each_time_range_is_requested_once(mogplex: CommandRunner) -> None:
    async def answer(seen: Seen, _: object) -> bytes:
        return http(200, {"summary": {"total_cost": None, "cost_today": None, "by_model": []}})

    async with serving(answer) as service:
        mogplex.use(service.base_url)
        result = await mogplex("stats", "--since", "7d", "--json")
        starts = [parse_qs(seen.query)["from"][0] for seen in service.seen]
    assert result.code == 0
    assert len(starts) == len(set(starts)) == 3
    assert result.only_object["cost"]["today"] is None


@pytest.mark.parametrize("when", ["soon", "24", "-3h", "0h", "2026-13-01", "99999999d"])
async def test_invalid_duration_is_a_usage_error(mogplex: CommandRunner, when: str) -> None:
    mogplex.use("http://127.0.0.1:9")
    result = await mogplex("stats", f"--since={when}")
    assert (result.code, result.out) == (2, "")
    assert "--since" in result.err


@pytest.mark.parametrize("when", ["2026-08-05", "2026-08-05T10:00Z", "90m", "2w"])
async def test_since_takes_dates_times_and_durations(operator: CommandRunner, when: str) -> None:
    assert (await operator("stats", "--json", "--since", when)).code == 0
