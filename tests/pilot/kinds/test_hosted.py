"""The hosted profile: closed routes are requested once, and a session opens them."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from mogplex_tui.api.route_access import Family, family_of
from mogplex_tui.live.run_row import Cost
from mogplex_tui.operate import formatting
from mogplex_tui.operate.kinds.registry import kinds
from mogplex_tui.operate.model import AnyKind, RenderTime
from tests.pilot.kinds.kind_navigation import go_to_list, go_to_row, long_texts_of
from tests.pilot.kinds.kind_screens import collection_in, reads_service, type_keys, wait_for_list, wait_until

# Everything else is told by v1 or by a route that is shared with the command-line client (auth.md §4).
SESSION_ONLY = {
    "api-keys", "approvals", "assignments", "commands", "connections", "conversations", "dispatch", "failures",
    "installations", "members", "memories", "provider-keys", "rules", "skills", "teams", "triggers",
}  # fmt: skip
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
        assert set(families.values()) == {1}, families
        ui.edge.turned_away.clear()
        for kind in ASKING:
            await ui.app.parts.navigation.go(kind.name)
            await _read_again(ui, kind)
        assert ui.edge.turned_away == []


async def test_reported_gaps_of_a_token_are_real(console: Any) -> None:
    closed = set[str]()
    async with console(gate=True, cookie=False) as ui:
        ui.app.session.budget.limit = 1_000
        for kind in ASKING:
            await ui.app.parts.navigation.go(kind.name)
            screen = await wait_for_list(ui, kind)
            collection = collection_in(screen)
            if why := " ".join(screen.model.closed_lines()):
                closed.add(kind.name)
                assert "need a browser session" in why
                continue
            await wait_until(ui, lambda: collection.set.rows, f"rows collection {kind.name}")
            rows = [entry.row for entry in collection.set.rows.values() if entry.row is not None]
            assert collection.source is not None
            for field in kind.columns if collection.source.notice else ():
                values = {field.cell(row, RenderTime(ui.app.session.clock.now()))[0] for row in rows} - {
                    formatting.DASH,
                    "",
                }
                # What is left out, as the sentence above the rows says, is what no row tells.
                assert not values or field.name not in collection.hides, (kind.name, field.name, values)
    assert closed == SESSION_ONLY


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


async def test_session_and_token_read_every_kind_completely(console: Any) -> None:
    async with console(gate=True) as ui:
        for kind in ASKING:
            await ui.app.parts.navigation.go(kind.name)
            screen = await wait_for_list(ui, kind)
            await wait_until(ui, lambda: collection_in(screen).set.rows, f"rows of {kind.name}")
            assert collection_in(screen).source is kind.sources[0]
            assert "browser session" not in ui.text
        assert ui.edge.turned_away == []
