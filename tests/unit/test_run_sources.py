"""The sources of the list of runs fail, are retried and become stale separately."""

from __future__ import annotations

import pytest

from mogplex_tui.api.errors import (
    ServiceFailed,
)
from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.route_access import Family
from mogplex_tui.live.call_pages import PAGE
from mogplex_tui.live.freshness import Freshness, SourceState
from mogplex_tui.live.known_runs import KnownRun
from mogplex_tui.live.v1_runs import AUTOMATION_RUNS_EVERY
from mogplex_tui.operate.messages import freshness_text, read_failures
from tests.unit.fakes import FakeSession, automation, call, job, run

BROKEN = ServiceFailed("The service failed on the calls: broken", status=500)


# The calls


def _stale(session: FakeSession) -> dict[str, set[str]]:
    sources = session.listing.set.sources
    return {name: set(each.keys or ()) for name, each in sources.items() if each.failing}


async def test_only_failed_live_runs_become_stale(session: FakeSession) -> None:
    session.fake.call_rows = [call(n) for n in range(2, PAGE + 3)] + [call(1, status="streaming")]
    await session.listing.fetch()
    session.fake.call_rows[-1] = call(1, status="failed")
    session.fake.call_rows.append(call(PAGE + 9, status="pending"))
    session.fake.refuse["observability.calls"] = [None, BROKEN]
    assert await session.listing.fetch() is True
    rows = session.listing.set.rows
    assert rows[call(PAGE + 9).id].state == "pending"
    # It is not known which of the live runs ended, so that none is read alone.
    assert (rows[call(1).id].state, _stale(session)) == ("streaming", {"live": {call(1).id}})
    await session.listing.fetch()
    assert (rows[call(1).id].state, _stale(session)) == ("failed", {})


async def test_unreadable_ended_run_leaves_other_rows_fresh(
    session: FakeSession,
) -> None:
    ended = [call(n, status="streaming") for n in (1, 2)]
    session.fake.call_rows = [call(n) for n in range(3, PAGE + 4)] + ended
    await session.listing.fetch()
    session.fake.call_rows[-2:] = [call(n, status="success") for n in (1, 2)]
    session.fake.refuse["observability.calls"] = [None, None, BROKEN]
    await session.listing.fetch()
    assert _stale(session) == {"gone": {call(1).id, call(2).id}}
    session.fake.refuse["observability.calls"] = [None, None, None, BROKEN]
    await session.listing.fetch()
    assert len(_stale(session)["gone"]) == 1
    await session.listing.fetch()
    assert _stale(session) == {}
    assert {session.listing.set.rows[each.id].state for each in ended} == {"success"}


async def test_failed_older_page_leaves_newest_page_fresh(session: FakeSession) -> None:
    session.fake.call_rows = [call(n) for n in range(1, 2 * PAGE + 1)]
    await session.listing.fetch()
    session.listing.load_more()
    session.fake.refuse["observability.calls"] = [None, BROKEN]
    await session.listing.fetch()
    # The older page is missing, and no row is stale.
    assert _stale(session) == {"older": set()}
    assert "Older runs are not shown." in read_failures(*_failed_twice(session), now=0.0)
    await session.listing.fetch()
    assert len(session.listing.set.rows) == 2 * PAGE
    session.fake.refuse["observability.calls"] = [None, BROKEN]
    await session.listing.fetch()
    assert _stale(session) == {"older": {call(n).id for n in range(1, PAGE + 1)}}
    assert "Older runs are shown as last read." in read_failures(*_failed_twice(session), now=0.0)
    session.fake.refuse["observability.calls"] = BROKEN
    with pytest.raises(ServiceFailed):
        await session.listing.fetch()


def _failed_twice(session: FakeSession) -> tuple[Freshness, list[SourceState]]:
    """Double the failure count of each source; return them with a fresh list."""
    whole = Freshness(as_of=session.time.monotonic())
    sources = [*session.listing.set.sources.values()]
    for source in sources:
        source.freshness.failures *= 2
    return whole, sources


# What v1 tells


@pytest.fixture
def v1_session(session: FakeSession) -> FakeSession:
    """A session limited to v1, with two automation runs and one run known by id."""
    session.close_observability()
    for number in (1, 2):
        auto = automation(number, f"auto {number}")
        session.fake.automation_rows.append(auto)
        session.fake.automation_runs[auto.id] = Rows([job(number, auto.id)])
    session.fake.run_rows[run(1).run_id] = run(1)
    session.history.remember(KnownRun(run(1).run_id, run(1).ai_call_id, "acme/web", "do it"))
    return session


async def test_failed_automation_costs_one_request_and_is_stale(v1_session: FakeSession) -> None:
    await v1_session.listing.fetch()
    v1_session.time.advance(AUTOMATION_RUNS_EVERY + 1)
    v1_session.fake.refuse["automations.runs"] = [BROKEN]
    v1_session.fake.log.clear()
    await v1_session.listing.fetch()
    assert v1_session.fake.log.count("automations.runs") == 1
    assert _stale(v1_session) == {"of each": {job(1, "").id, job(2, "").id}}
    v1_session.fake.refuse["automations.runs"] = [None, BROKEN]
    await v1_session.listing.fetch()
    # The one that failed was read last; the other is fresh.
    assert _stale(v1_session) == {"of each": {job(1, "").id}}
    fresh = v1_session.listing.set.sources["of each"].freshness
    assert fresh.age(v1_session.time.monotonic()) == AUTOMATION_RUNS_EVERY + 1
    await v1_session.listing.fetch()
    assert (_stale(v1_session), fresh.age(v1_session.time.monotonic())) == ({}, 0.0)
    # As old as the oldest read of its sources.
    v1_session.time.advance(20)
    await v1_session.listing.fetch()
    assert fresh.age(v1_session.time.monotonic()) == 20.0
    whole, sources = Freshness(as_of=v1_session.time.monotonic()), [*v1_session.listing.set.sources.values()]
    assert freshness_text(v1_session, whole, sources) == "updated 20s ago"


async def test_failed_v1_source_does_not_stop_the_others(
    v1_session: FakeSession,
) -> None:
    v1_session.fake.refuse |= {"runs.get": [BROKEN], "automations.list": [BROKEN]}
    with pytest.raises(ServiceFailed):
        # No source could be read.
        await v1_session.listing.fetch()
    v1_session.fake.refuse["runs.get"] = [BROKEN]
    await v1_session.listing.fetch()
    assert set(v1_session.listing.set.rows) == {job(1, "").id, job(2, "").id}
    assert _stale(v1_session) == {"by id": set()}
    await v1_session.listing.fetch()
    assert _stale(v1_session) == {}
    v1_session.time.advance(301)
    v1_session.fake.refuse |= {"automations.list": [BROKEN]}
    await v1_session.listing.fetch()
    assert _stale(v1_session) == {"automations": set()}
    assert "Runs of automations that were not known before are not shown." in read_failures(
        *_failed_twice(v1_session), now=0.0
    )
    v1_session.fake.refuse |= {"runs.get": BROKEN, "automations.runs": BROKEN}
    v1_session.time.advance(AUTOMATION_RUNS_EVERY + 1)
    with pytest.raises(ServiceFailed):
        # Every row is stale.
        await v1_session.listing.fetch()


async def test_failed_v1_sources_are_dropped_with_observability(v1_session: FakeSession) -> None:
    v1_session.fake.refuse["automations.list"] = [BROKEN]
    await v1_session.listing.fetch()
    assert _stale(v1_session)
    v1_session.fake.refuse = {}
    v1_session.access.learn(Family.OBSERVABILITY)
    v1_session.fake.call_rows = [call(1)]
    await v1_session.listing.fetch()
    assert _stale(v1_session) == {}
