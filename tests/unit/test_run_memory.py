"""Values of a run that are kept when later responses leave them out."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mogplex_tui.operate.model import RenderTime
from mogplex_tui.operate.record_page import facts_of
from mogplex_tui.operate.run_facts import facts as facts_of_run
from tests.unit.fakes import START, FakeSession, call

SPENT = {"input_tokens": 7000, "output_tokens": 7000, "cost_usd": "0.25", "cost_source": "trigger"}


@pytest.mark.parametrize("state", ["cancelled", "failed"])
async def test_cancelled_run_keeps_tokens_and_cost_seen_before(session: FakeSession, state: str) -> None:
    session.fake.call_rows = [call(1, status="streaming", **SPENT)]
    await session.listing.fetch()
    session.fake.call_rows = [call(1, status=state)]
    for _ in range(2):
        await session.listing.fetch()
    (row,) = session.listing.set.rows.values()
    spend = facts_of(facts_of_run(calls_open=True), row, RenderTime(START))
    facts = {label: text for group in spend for label, text, _ in group}
    if state == "cancelled":
        assert row.tokens == 14_000 and row.cost == Decimal("0.25")
        assert facts["tokens"] == "7.0k in  7.0k out, before the cancel"
        assert facts["cost"] == "~$0.25  estimated, before the cancel"
    else:
        assert row.tokens is None and facts["cost"].endswith("not known")


async def test_cost_reported_after_cancel_is_used(session: FakeSession) -> None:
    session.fake.call_rows = [call(1, status="streaming", **SPENT)]
    await session.listing.fetch()
    session.fake.call_rows = [call(1, status="cancelled", **SPENT | {"cost_usd": "0.3"})]
    await session.listing.fetch()
    (row,) = session.listing.set.rows.values()
    assert (row.cost, row.before_cancel) == (Decimal("0.3"), False)


async def test_agent_name_is_kept_once_known(session: FakeSession) -> None:
    session.fake.call_rows = [call(1, metadata={"agent_id": "a1", "flow_node_label": "Look for secrets"})]
    await session.listing.fetch()

    def who() -> str | None:
        return session.listing.set.rows[call(1).id].who

    assert who() is None
    session.names.agents["a1"] = "Triage bot"
    session.names.changed()
    assert who() == "Triage bot"
    # After a start, cached rows are shown before names are read.
    session.names.agents.clear()
    await session.listing.fetch()
    assert who() == "Triage bot"
