"""The events of one run, read from the source that is open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.api.errors import LoginRequired, Unavailable
from mogplex_tui.api.models.automations import AutomationRunDetail
from mogplex_tui.api.models.base import Rows, parse_rows
from mogplex_tui.api.models.events import Event
from mogplex_tui.live import run_row as make
from mogplex_tui.live.known_runs import KnownRun
from mogplex_tui.live.run_event_tail import BatchResult
from mogplex_tui.live.run_events_feed import LATE_FOR, RunEventsFeed
from mogplex_tui.live.run_row import RunRow
from mogplex_tui.operate.messages import missing_events
from tests.unit.fakes import LOGIN, FakeSession, automation, call, event, job, run, stamp, wait_until


async def feed_of(session: FakeSession, row: RunRow) -> RunEventsFeed:
    session.listing.set.apply([(row.key, row)])
    return RunEventsFeed(session, session.listing, row)


def ids(feed: RunEventsFeed) -> list[str]:
    return [line.id for line in feed.tail.lines]


async def test_observability_returns_all_events_in_batches(session: FakeSession) -> None:
    feed = await feed_of(session, make.from_call(call(1, status="streaming")))
    batches: list[BatchResult] = []
    feed.added.subscribe(batches.append)
    session.fake.events_of_call[call(1).id] = [Rows([event(1), event(2)]), Rows([event(3)])]
    assert await feed.fetch() is True
    assert ids(feed) == ["e1", "e2", "e3"]
    assert [added.appended for added in batches] == [2, 1]
    assert session.fake.log == ["observability.call_events"]
    assert missing_events(feed) is None
    assert await feed.fetch() is False
    assert len(batches) == 2


async def test_observability_has_no_limit_of_200_events(session: FakeSession) -> None:
    feed = await feed_of(session, make.from_call(call(1)))
    session.fake.events_of_call[call(1).id] = [Rows(event(n) for n in range(500))]
    await feed.fetch()
    assert len(feed.tail) == 500
    assert missing_events(feed) is None


async def test_v1_returns_run_and_its_first_200_events(session: FakeSession) -> None:
    session.close_observability()
    feed = await feed_of(session, make.from_run(run(1)))
    session.fake.run_rows = {run(1).run_id: run(1, status="success")}
    session.fake.run_events = {run(1).run_id: [event(n) for n in range(200)]}
    session.fake.horizon = True
    assert await feed.fetch() is True
    assert session.fake.log == ["runs.events"]
    assert len(feed.tail) == 200
    assert feed.row.state == "success"
    sentence = missing_events(feed)
    assert sentence is not None
    assert "first 200 events" in sentence
    assert "login --session" in sentence


async def test_refused_observability_falls_back_to_v1(session: FakeSession) -> None:
    session.fake.refuse["observability.*"] = LOGIN
    row = make.from_run(run(1))
    feed = await feed_of(session, row)
    session.fake.run_rows = {run(1).run_id: run(1)}
    session.fake.run_events = {run(1).run_id: [event(1)]}
    assert await feed.fetch() is True
    await feed.fetch()
    assert session.fake.log == ["observability.call_events", "runs.events", "runs.events"]
    assert feed.feed.metered()


async def test_events_of_a_call_without_run_need_observability(session: FakeSession) -> None:
    session.fake.refuse["observability.*"] = LOGIN
    feed = await feed_of(session, make.from_call(call(1)))
    with pytest.raises(LoginRequired):
        await feed.fetch()
    sentence = missing_events(feed)
    assert sentence is not None
    assert "cannot be read" in sentence
    assert LOGIN.message in sentence
    assert await feed.fetch() is False
    assert session.fake.log == ["observability.call_events"]


async def test_unreadable_row_has_no_events(session: FakeSession) -> None:
    feed = await feed_of(session, make.unreadable("c9", "status: not a text", {"id": "c9"}))
    assert await feed.fetch() is False
    assert session.fake.log == []
    assert "status: not a text" in (missing_events(feed) or "")


async def test_unavailable_service_does_not_fall_back_to_v1(session: FakeSession) -> None:
    session.fake.refuse["observability.*"] = Unavailable("down", status=503)
    feed = await feed_of(session, make.from_run(run(1)))
    with pytest.raises(Unavailable):
        await feed.fetch()
    assert session.fake.log == ["observability.call_events"]


async def test_run_id_is_learned_from_first_event(session: FakeSession) -> None:
    row = make.from_call(
        call(1, status="streaming", metadata={"external_request_id": "k", "repo": "acme/web"})
    )
    feed = await feed_of(session, row)
    first = event(1, "started", payload={"external_run_id": run(1).run_id})
    session.fake.events_of_call[call(1).id] = [Rows([first, event(2)])]
    await feed.fetch()
    assert feed.row.run_id == run(1).run_id
    assert session.history.get(run(1).run_id) == KnownRun(run(1).run_id, call(1).id, "acme/web", None)


async def test_run_id_in_an_internal_call_is_ignored(session: FakeSession) -> None:
    feed = await feed_of(session, make.from_call(call(1, metadata={})))
    session.fake.events_of_call[call(1).id] = [Rows([event(1, payload={"external_run_id": "x"})])]
    await feed.fetch()
    assert feed.row.run_id is None
    assert len(session.history) == 0


async def test_automation_run_has_events_of_its_calls(session: FakeSession) -> None:
    session.close_observability()
    flow = automation(1, "Nightly")
    feed = await feed_of(session, make.from_job(job(1, flow.id), flow.id, "Nightly"))
    raw = job(1, flow.id, status="success", completed_at=stamp(60)).model_dump(mode="json")
    calls: list[dict[str, Any]] = [
        {
            "id": f"c{n}",
            "status": "success",
            "events": [
                {"id": f"e{n}", "event_type": "log", "created_at": stamp(n), "payload": {"token": "hunter2"}}
            ],
        }
        for n in (2, 1)
    ]
    session.fake.automation_details[job(1, flow.id).id] = AutomationRunDetail.model_validate(
        raw | {"ai_calls": calls}
    )
    assert await feed.fetch() is True
    assert ids(feed) == ["e1", "e2"]
    # The service redacts nothing on this route (v1.md §5.4).
    assert feed.tail.lines[0].payload() == {"token": "[redacted]"}
    assert (feed.row.state, feed.row.who) == ("success", "Nightly")
    assert missing_events(feed) is None


async def test_unreadable_events_are_counted_once(session: FakeSession) -> None:
    feed = await feed_of(session, make.from_call(call(1)))
    session.fake.events_of_call[call(1).id] = [
        parse_rows(
            Event, [{"id": "e1", "type": "log", "createdAt": stamp(1)}, {"id": "e2", "createdAt": stamp(2)}]
        )
    ]
    for _ in range(3):
        await feed.fetch()
    assert [line.type for line in feed.tail.lines] == ["log", "unreadable"]
    assert (missing_events(feed) or "").startswith("1 event could not be parsed")


async def test_late_events_are_read_for_a_while_after_the_end(session: FakeSession) -> None:
    feed = await feed_of(session, make.from_call(call(1, status="streaming")))
    session.fake.events_of_call[call(1).id] = [Rows([event(1)])]
    await feed.fetch()
    assert not feed.feed.idle()
    session.listing.set.apply([(call(1).id, make.from_call(call(1, status="success")))])
    for after in (0.0, LATE_FOR - 1):
        session.time.advance(after)
        await feed.fetch()
        assert not feed.feed.idle()
    session.fake.events_of_call[call(1).id].append(Rows([event(2)]))
    session.time.advance(1)
    await feed.fetch()
    assert ids(feed) == ["e1", "e2"]
    assert feed.feed.idle()


async def test_resumed_run_is_polled_again(session: FakeSession) -> None:
    feed = await feed_of(session, make.from_call(call(1, status="cancelled")))
    for _ in range(2):
        await feed.fetch()
        session.time.advance(LATE_FOR)
    assert feed.feed.idle()
    for status in ("streaming", "failed"):
        session.listing.set.apply([(call(1).id, make.from_call(call(1, status=status)))])
        await feed.fetch()
        assert not feed.feed.idle()


async def test_two_feeds_of_one_run_both_get_events(session: FakeSession) -> None:
    """A run open in two places has two feeds, and each fills its own tail."""
    session.fake.events_of_call[call(1).id] = [Rows([event(1)])]
    feeds = [await feed_of(session, make.from_call(call(1, status="streaming"))) for _ in range(2)]
    session.scheduler.start()
    for feed in feeds:
        session.scheduler.subscribe(feed.feed)
    await wait_until(lambda: all(ids(feed) == ["e1"] for feed in feeds))
    await session.scheduler.stop()


def test_events_feed_is_metered_only_on_v1(tmp_path: Path) -> None:
    session = FakeSession(tmp_path, cookie="a=b")
    assert not RunEventsFeed(session, session.listing, make.from_call(call(1))).feed.metered()
    of_job = RunEventsFeed(session, session.listing, make.from_job(job(1, "a"), "a", None))
    assert not of_job.feed.metered()
    # If jobs are closed, v1 is used with the token.
    session.close_observability()
    assert of_job.feed.metered()


async def test_run_dropped_from_list_keeps_its_last_row(session: FakeSession) -> None:
    feed = await feed_of(session, make.from_call(call(1, status="streaming")))
    session.listing.set.apply([(feed.key, make.from_call(call(1, status="failed", error="no luck")))])
    assert feed.row.state == "failed"
    session.listing.set.drop([feed.key])
    assert (feed.row.state, feed.row.error) == ("failed", "no luck")
