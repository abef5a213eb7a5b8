"""Cancels and starts of runs: refused in every way, and with their response lost.

Afterwards the rows on screen must equal freshly read ones, as for the actions of every other kind.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mogplex_tui.api.errors import MogplexError
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.controlplane.faults.rules import parse
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.live import run_lookup
from mogplex_tui.live.run_row import RunRow
from mogplex_tui.live.runs import Runs
from mogplex_tui.live.session import Session
from mogplex_tui.operate import executor, run_changes
from mogplex_tui.operate.run_actions import Draft
from mogplex_tui.operate.run_facts import name_of
from tests.pilot.kinds.action_bench import REFUSALS, SETTINGS
from tests.pilot.kinds.kind_screens import running_plane


@dataclass
class Bench:
    """A session on a plane without a screen."""

    server: PlaneServer
    session: Session
    runs: Runs

    def fault(self, rule: str | None) -> None:
        faults = self.server.plane.faults
        assert faults is not None
        faults.clear()
        if rule is not None:
            faults.add(parse(rule))

    async def row(self, way: str) -> RunRow:
        """Return the row of a live run, from the list of calls or by its run id."""
        await self.runs.fetch()
        if way == "call":
            return next(row for row in self.runs.set.rows.values() if row.live and not row.cancel_requested)
        found = self.server.plane.db.only(
            "SELECT id FROM external_agent_runs WHERE status IN ('pending', 'streaming') AND user_id = ? ORDER BY id",
            (self.server.plane.user_id,),
        )
        return await run_lookup.find_run(self.runs, str(found["id"]))

    async def read_anew(self, row: RunRow) -> RunRow:
        """Return the row as a new session reads it."""
        self.fault(None)
        other = Session(self.session.target)
        try:
            fresh = Runs(other)
            await fresh.fetch()
            if row.run_id is not None:
                return await run_lookup.find_run(fresh, row.run_id)
            return fresh.set.rows[row.key]
        finally:
            await other.stop()


@pytest.fixture
async def bench(
    seeded_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Bench]:
    async def at_once(*_: object) -> None:
        return None

    monkeypatch.setattr(run_changes, "READ_BACK_DELAYS", (0.0,))
    monkeypatch.setattr(executor, "pause", at_once)
    async with running_plane(SETTINGS, seeded_database, tmp_path) as server:
        target = Target("t", server.base_url, Secret(server.token), Secret(server.session_cookie))
        session = Session(target, directory=tmp_path / "state")
        try:
            yield Bench(server, session, Runs(session))
        finally:
            await session.stop()


@pytest.mark.parametrize("way", ["call", "run"])
async def test_cancel_survives_refusals_and_a_lost_response(bench: Bench, way: str) -> None:
    row = await bench.row(way)
    for status in REFUSALS:
        bench.fault(f"POST /api/*cancel* {'429' if status == 429 else f'status:{status}'}")
        # Somebody else's change: only a reading puts it right.
        bench.runs.set.apply([(row.key, row._replace(branch="not so"))])
        outcome = await run_changes.cancel(bench.session, bench.runs, row)
        assert not outcome.is_success, outcome
        assert name_of(row) in outcome.sentence
        assert bench.session.ledger.entries[-1].state == "refused"
        shown, fresh = bench.runs.set.rows[row.key], await bench.read_anew(row)
        assert (shown.state, shown.branch) == (fresh.state, fresh.branch), status
        assert shown.live
    bench.fault("POST /api/*cancel* drop")
    outcome = await run_changes.cancel(bench.session, bench.runs, row)
    assert bench.session.ledger.entries[-1].state == "unknown"
    shown, fresh = bench.runs.set.rows[row.key], await bench.read_anew(row)
    assert shown.state == fresh.state == "cancelled"
    assert outcome.is_success, outcome


async def test_start_retried_after_lost_response_starts_one_run(
    bench: Bench,
) -> None:
    repo = (await bench.session.client.repos.list())[0]
    draft = Draft(repo_id=repo.id, repo=repo.full_name, prompt="Mend the roof", create_branch=False)
    await bench.runs.fetch()
    there = set(bench.runs.set.rows)

    def begun() -> int:
        query = "SELECT count(*) AS n FROM external_agent_runs WHERE prompt = ?"
        return int(bench.server.plane.db.only(query, (draft.prompt,))["n"])

    for status in REFUSALS:
        bench.fault(f"POST /api/v1/mogplex/runs {'429' if status == 429 else f'status:{status}'}")
        with pytest.raises(MogplexError):
            await run_changes.start(bench.session, bench.runs, draft, executor.new_idempotency_key())
        # After a 5xx nobody knows whether a run was started (errors.md §5).
        end = "unknown" if status >= 500 else "refused"
        assert bench.session.ledger.entries[-1].state == end, status
        assert set(bench.runs.set.rows) == there
    assert begun() == 0
    key = executor.new_idempotency_key()
    bench.fault("POST /api/v1/mogplex/runs drop")
    with pytest.raises(MogplexError):
        await run_changes.start(bench.session, bench.runs, draft, key)
    assert (bench.session.ledger.entries[-1].state, begun()) == ("unknown", 1)
    bench.fault(None)
    row = await run_changes.start(bench.session, bench.runs, draft, key)
    assert begun() == 1
    assert bench.runs.set.rows[row.key].state == (await bench.read_anew(row)).state
