"""The runs are told by several sources: pages of calls, and what v1 tells of automations and of runs by their id."""

from __future__ import annotations

import pytest

from mogplex_tui.api.access import Family
from mogplex_tui.api.errors import (
    ServiceFailed,
)
from mogplex_tui.api.models.base import Rows
from mogplex_tui.live.call_pages import PAGE
from mogplex_tui.live.freshness import Freshness, SourceState
from mogplex_tui.live.known_runs import KnownRun
from mogplex_tui.live.v1_runs import AUTOMATION_RUNS_EVERY
from mogplex_tui.operate.messages import freshness_text, read_failures
from tests.unit.fakes import FakeSession, automation, call, job, run

BROKEN = ServiceFailed("The service failed on the calls: broken", status=500)


# The calls


def _old(session: FakeSession) -> dict[str, set[str]]:
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
    # Nobody knows which of the live ones ended, so that they are not asked for one by one.
    assert (rows[call(1).id].state, _old(session)) == ("streaming", {"live": {call(1).id}})
    await session.listing.fetch()
    assert (rows[call(1).id].state, _old(session)) == ("failed", {})


async def test_unreadable_ended_run_leaves_other_rows_fresh(
    session: FakeSession,
) -> None:
    ended = [call(n, status="streaming") for n in (1, 2)]
    session.fake.call_rows = [call(n) for n in range(3, PAGE + 4)] + ended
    await session.listing.fetch()
    session.fake.call_rows[-2:] = [call(n, status="success") for n in (1, 2)]
    session.fake.refuse["observability.calls"] = [None, None, BROKEN]
    await session.listing.fetch()
    assert _old(session) == {"gone": {call(1).id, call(2).id}}
    session.fake.refuse["observability.calls"] = [None, None, None, BROKEN]
    await session.listing.fetch()
    assert len(_old(session)["gone"]) == 1
    await session.listing.fetch()
    assert _old(session) == {}
    assert {session.listing.set.rows[each.id].state for each in ended} == {"success"}


async def test_failed_older_page_leaves_newest_page_fresh(session: FakeSession) -> None:
    session.fake.call_rows = [call(n) for n in range(1, 2 * PAGE + 1)]
    await session.listing.fetch()
    session.listing.load_more()
    session.fake.refuse["observability.calls"] = [None, None, BROKEN]
    await session.listing.fetch()
    # What was asked for is not there, and nothing that is there is old.
    assert _old(session) == {"older": set()}
    assert "Older runs are not shown." in read_failures(*_troubled(session))
    await session.listing.fetch()
    assert len(session.listing.set.rows) == 2 * PAGE
    session.fake.refuse["observability.calls"] = [None, None, BROKEN]
    await session.listing.fetch()
    assert _old(session) == {"older": {call(n).id for n in range(1, PAGE + 1)}}
    assert "Older runs are shown as they were read before." in read_failures(*_troubled(session))
    session.fake.refuse["observability.calls"] = BROKEN
    with pytest.raises(ServiceFailed):
        await session.listing.fetch()


def _troubled(session: FakeSession) -> tuple[Freshness, list[SourceState]]:
    """The set as it is after its reading went through, and each of its sources failed once more."""
    whole = Freshness(as_of=session.time.monotonic())
    sources = [*session.listing.set.sources.values()]
    for source in sources:
        source.freshness.failures *= 2
    return whole, sources


# What v1 tells


@pytest.fixture
def narrow(session: FakeSession) -> FakeSession:
    """A session that only v1 is open to, with two automations of one run each, and a run that is known by its id."""
    session.close_observability()
    for number in (1, 2):
        auto = automation(number, f"auto {number}")
        session.fake.automation_rows.append(auto)
        session.fake.automation_runs[auto.id] = Rows([job(number, auto.id)])
    session.fake.run_rows[run(1).run_id] = run(1)
    session.history.remember(KnownRun(run(1).run_id, run(1).ai_call_id, "acme/web", "do it"))
    return session


async def test_failed_automation_costs_one_request_and_is_stale(narrow: FakeSession) -> None:
    await narrow.listing.fetch()
    narrow.time.advance(AUTOMATION_RUNS_EVERY + 1)
    narrow.fake.refuse["automations.runs"] = [BROKEN]
    narrow.fake.log.clear()
    await narrow.listing.fetch()
    assert narrow.fake.log.count("automations.runs") == 1
    assert _old(narrow) == {"of each": {job(1, "").id, job(2, "").id}}
    narrow.fake.refuse["automations.runs"] = [None, BROKEN]
    await narrow.listing.fetch()
    # The one that failed came last, and the other is fresh.
    assert _old(narrow) == {"of each": {job(1, "").id}}
    fresh = narrow.listing.set.sources["of each"].freshness
    assert fresh.age(narrow.time.monotonic()) == AUTOMATION_RUNS_EVERY + 1
    await narrow.listing.fetch()
    assert (_old(narrow), fresh.age(narrow.time.monotonic())) == ({}, 0.0)
    # As old as what was read longest ago, however lately a run was read.
    narrow.time.advance(20)
    await narrow.listing.fetch()
    assert fresh.age(narrow.time.monotonic()) == 20.0
    whole, sources = Freshness(as_of=narrow.time.monotonic()), [*narrow.listing.set.sources.values()]
    assert freshness_text(narrow, whole, sources) == "as of 20s"


async def test_failed_v1_source_does_not_stop_the_others(
    narrow: FakeSession,
) -> None:
    narrow.fake.refuse |= {"runs.get": [BROKEN], "automations.list": [BROKEN]}
    with pytest.raises(ServiceFailed):
        # Nothing at all is known.
        await narrow.listing.fetch()
    narrow.fake.refuse["runs.get"] = [BROKEN]
    await narrow.listing.fetch()
    assert set(narrow.listing.set.rows) == {job(1, "").id, job(2, "").id}
    assert _old(narrow) == {"by id": set()}
    await narrow.listing.fetch()
    assert _old(narrow) == {}
    narrow.time.advance(301)
    narrow.fake.refuse |= {"automations.list": [BROKEN]}
    await narrow.listing.fetch()
    assert _old(narrow) == {"automations": set()}
    assert "Runs of automations that were not known before are not shown." in read_failures(
        *_troubled(narrow)
    )
    narrow.fake.refuse |= {"runs.get": BROKEN, "automations.runs": BROKEN}
    narrow.time.advance(AUTOMATION_RUNS_EVERY + 1)
    with pytest.raises(ServiceFailed):
        # All that is shown is old.
        await narrow.listing.fetch()


async def test_failed_v1_sources_are_dropped_with_observability(narrow: FakeSession) -> None:
    narrow.fake.refuse["automations.list"] = [BROKEN]
    await narrow.listing.fetch()
    assert _old(narrow)
    narrow.fake.refuse = {}
    narrow.access.learn(Family.OBSERVABILITY)
    narrow.fake.call_rows = [call(1)]
    await narrow.listing.fetch()
    assert _old(narrow) == {}
