"""Rows that can be cancelled, for the tests of cancelling and starting runs."""

from __future__ import annotations

import json
from typing import Any

from mogplex_tui.live.run_row import RunRow
from mogplex_tui.operate.executor import Outcome
from mogplex_tui.operate.run_changes import cancel
from tests.unit.fakes import FakeSession, call, run


def ledger(session: FakeSession) -> list[tuple[str, str, str]]:
    assert session.directory is not None
    lines = [json.loads(line) for line in (session.directory / "ledger.jsonl").read_text().splitlines()]
    return [(line["action"], line["subject"], line["state"]) for line in lines]


async def streaming_call(session: FakeSession, **fields: Any) -> RunRow:
    session.fake.call_rows = [call(1, status="streaming", **fields)]
    await session.listing.fetch()
    session.fake.log.clear()
    return session.listing.set.rows[call(1).id]


def streaming_run(session: FakeSession) -> RunRow:
    session.close_observability()
    session.fake.run_rows = {run(1).run_id: run(1)}
    return session.listing.put_run(run(1), repo="acme/web")


def state(session: FakeSession, row: RunRow) -> str:
    return session.listing.set.rows[row.key].state


async def ask(session: FakeSession, row: RunRow) -> Outcome:
    return await cancel(session, session.listing, row)
