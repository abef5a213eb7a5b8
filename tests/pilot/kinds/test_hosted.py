"""The hosted profile: closed routes are requested once, and a session opens them."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from mogplex_tui.api.route_access import Family, family_of
from mogplex_tui.live.run_row import Cost
from mogplex_tui.operate import formatting
from mogplex_tui.operate.kinds.registry import kinds
from mogplex_tui.operate.model import AnyKind
from tests.pilot.kinds.kind_navigation import go_to_list, go_to_row, long_texts_of
from tests.pilot.kinds.kind_screens import collection_in, reads_service, type_keys, wait_for_list, wait_until

ASKING = [kind for kind in kinds().values() if reads_service(kind)]


async def _read_again(ui: Any, kind: AnyKind) -> None:
    """Press the key that refreshes a list and wait until it is handled."""
    screen = await wait_for_list(ui, kind)
    feed = collection_in(screen).feed
    await wait_until(ui, lambda: not feed.running, "the reading under way")
    begun = feed.begun
    await type_keys(ui, "r")
    await wait_until(ui, lambda: feed.begun != begun and not feed.running, f"{kind.name} read again")


async def test_token_alone_requests_a_closed_route_once(console: Any) -> None:
    async with console(gate=True, cookie=False) as ui:
        # Reading every kind twice within a minute is more than the budget of a token allows.
        ui.app.session.budget.limit = 1_000
        for kind in ASKING:
            await ui.app.parts.navigation.go(kind.name)
            await wait_for_list(ui, kind)
        families = Counter(family_of(path) for path in ui.edge.turned_away)
        assert families, "the hosted profile turns nobody away"
        # The list of runs and the figures of the header leave together, before anything is known.
        assert families.pop(Family.OBSERVABILITY) <= 2
        # So do an automation's list and the approvals that it joins.
        assert families.pop(Family.FLOWS) <= 2
        assert set(families.values()) == {1}, families
        ui.edge.turned_away.clear()
        for kind in ASKING:
            await ui.app.parts.navigation.go(kind.name)
            await _read_again(ui, kind)
        assert ui.edge.turned_away == []


async def test_jobs_with_token_alone_are_automation_runs(console: Any) -> None:
    async with console(gate=True, cookie=False) as ui:
        found = await go_to_list(ui, "jobs")
        await ui.sees(
            "newest 50 runs of each automation; other jobs, agents, costs", "need a browser session"
        )
        jobs = ui.server.plane.db.all(
            "SELECT j.id, j.status, j.cost_usd FROM job_runs j JOIN flows f ON f.id = j.flow_id WHERE f.user_id = ?"
            " ORDER BY j.created_at DESC",
            (ui.server.plane.user_id,),
        )
        assert len(jobs) > 50
        assert {row["id"] for row in jobs} == found.rows.rows.keys()
        assert "AGENT" not in ui.text and "COST" not in ui.text
        # That a run waits is told by the run itself, so nothing is missing without the list of approvals.
        assert "◆ waiting" in ui.text and "not known" not in ui.text and "partly" not in ui.text
        priced = next(row for row in jobs if row["cost_usd"] and row["status"] == "success")
        await go_to_row(ui, "jobs", priced["id"])
        await ui.press("enter")
        cost = formatting.money(Decimal(str(priced["cost_usd"])), Cost.ESTIMATED)
        # One run names the calls and their costs, which its list does not.
        await ui.sees("cost", cost, "tokens out")
        await ui.until(
            lambda: "Steps" in long_texts_of(ui) and "Dispatch log" in long_texts_of(ui),
            "its steps and ledger",
        )
