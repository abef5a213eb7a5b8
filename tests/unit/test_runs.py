"""The list of runs, from observability or v1.

The contract is in observability.md §2 and v1.md §5.3, §7.5 and §7.6.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mogplex_tui.api.errors import BudgetBlocked, LoginRequired, NotAllowed, NotSignedIn, Unavailable
from mogplex_tui.api.models.automations import AutomationRun
from mogplex_tui.api.models.base import parse_rows
from mogplex_tui.api.route_access import Family, Reach
from mogplex_tui.live.call_pages import FORGOTTEN, PAGE
from mogplex_tui.live.known_runs import KnownRun
from mogplex_tui.live.run_row import RunSource
from mogplex_tui.live.runs import UNSEEN
from mogplex_tui.live.v1_runs import RUNS_A_READ, SETTLE
from mogplex_tui.operate import messages
from tests.unit.fakes import LOGIN, FakeSession, automation, call, job, run, stamp


def states(session: FakeSession) -> dict[str, str]:
    return {key: row.state for key, row in session.listing.set.rows.items()}


# Where observability is open


async def test_newest_calls_are_listed_in_one_request(session: FakeSession) -> None:
    session.fake.call_rows = [call(1), call(2, status="streaming")]
    assert await session.listing.fetch() is True
    assert states(session) == {call(1).id: "success", call(2).id: "streaming"}
    assert session.fake.log == ["observability.calls"]
    assert (session.listing.set.total, session.listing.set.notices, session.listing.listed) == (2, (), True)
    assert await session.listing.fetch() is False


async def test_live_call_beyond_first_page_is_listed(session: FakeSession) -> None:
    session.fake.call_rows = [call(n) for n in range(2, PAGE + 3)] + [call(1, status="pending")]
    await session.listing.fetch()
    assert states(session)[call(1).id] == "pending"
    assert len(session.listing.set.rows) == PAGE + 1


async def test_live_call_off_the_page_is_read_by_its_start_time(session: FakeSession) -> None:
    session.fake.call_rows = [call(n) for n in range(2, PAGE + 3)] + [call(1, status="streaming")]
    await session.listing.fetch()
    session.fake.call_rows[-1] = call(1, status="failed", error="boom")
    session.fake.asked.clear()
    assert await session.listing.fetch() is True
    assert states(session)[call(1).id] == "failed"
    asked = [kwargs for _, _, kwargs in session.fake.asked if kwargs["since"]]
    assert [(each["since"], each["until"]) for each in asked] == [(call(1).started_at,) * 2]
    session.fake.asked.clear()
    await session.listing.fetch()
    assert not [kwargs for _, _, kwargs in session.fake.asked if kwargs["since"]]


async def test_forgotten_live_call_becomes_unknown(
    session: FakeSession,
) -> None:
    session.fake.call_rows = [call(1, status="streaming")]
    await session.listing.fetch()
    session.fake.call_rows = [call(2)]
    await session.listing.fetch()
    gone = session.listing.set.rows[call(1).id]
    assert (gone.state, gone.error, gone.live) == ("unknown", FORGOTTEN, False)
    session.fake.log.clear()
    await session.listing.fetch()
    assert session.fake.log == ["observability.calls"]


async def test_unreadable_call_is_marked_and_stays_one_row(session: FakeSession) -> None:
    session.fake.call_rows = [call(1)]
    session.fake.bad_calls = [
        {"id": "c9", "status": {"odd": 1}, "started_at": stamp(9)},
        {"status": 1},
        "nothing",  # type: ignore[list-item]
    ]
    for _ in range(3):
        await session.listing.fetch()
    rows = session.listing.set.rows
    assert len(rows) == 4
    assert sorted(row.state for row in rows.values()) == ["success", *["unreadable"] * 3]
    assert rows["c9"].unreadable
    assert rows["c9"].began == call(9).started_at
    assert rows["c9"].raw is not None
    assert '"odd": 1' in rows["c9"].raw


async def test_calls_are_enriched_with_local_knowledge(session: FakeSession) -> None:
    session.names.repos["r1"] = "acme/web"
    session.names.agents["a1"] = "Triage bot"
    session.history.remember(KnownRun("run1", call(2).id, "acme/api", "Fix it"))
    session.in_flight.begin("runs", call(3).id, "cancelling")
    session.fake.call_rows = [
        call(1, repo_id="r1", metadata={"agent_id": "a1"}),
        call(2),
        call(3, status="streaming"),
        call(4, status="streaming", cancel_requested_at=stamp(5)),
        call(5, status="failed", cancel_requested_at=stamp(5)),
    ]
    session.in_flight.begin("runs", call(5).id, "cancelling")
    await session.listing.fetch()
    one, two, three, four, five = (session.listing.set.rows[call(n).id] for n in range(1, 6))
    assert (one.repo, one.who) == ("acme/web", "Triage bot")
    assert (two.repo, two.run_id, two.prompt) == ("acme/api", "run1", "Fix it")
    assert (three.state, four.state, five.state) == ("cancelling", "cancelling", "failed")
    assert three.live


async def test_unavailable_observability_does_not_fall_back_to_v1(session: FakeSession) -> None:
    session.fake.refuse["observability.*"] = Unavailable("down", status=503)
    for _ in range(4):
        with pytest.raises(Unavailable):
            await session.listing.fetch()
    assert set(session.fake.log) == {"observability.calls"}
    assert session.access.reach(Family.OBSERVABILITY).reach is Reach.BROKEN


# Where only v1 is


@pytest.mark.parametrize("error", [LOGIN, NotAllowed("no", status=403), NotSignedIn("no", status=401)])
async def test_refused_observability_is_requested_only_once(
    session: FakeSession, error: LoginRequired
) -> None:
    session.fake.refuse["observability.*"] = error
    session.fake.automation_rows = [automation(1, "Nightly")]
    session.fake.automation_runs = {automation(1, "").id: parse_rows(AutomationRun, [])}
    session.fake.automation_runs[automation(1, "").id].append(job(3, automation(1, "").id))
    assert await session.listing.fetch() is True
    assert session.fake.log == ["observability.calls", "automations.list", "automations.runs"]
    (row,) = session.listing.set.rows.values()
    assert (row.source, row.who, row.state) == (RunSource.JOB, "Nightly", "running")
    notice = messages.notices_text(session.listing.set.notices)
    why = (
        "all others, and all costs, need a browser session"
        if isinstance(error, LoginRequired)
        else error.message
    )
    assert why in notice
    assert "runs of your automations" in notice
    for _ in range(5):
        session.time.advance(100)
        await session.listing.fetch()
    assert session.fake.log.count("observability.calls") == 1
    assert not session.listing.listed
    assert not session.listing.may_load_more


async def test_calls_become_unknown_when_observability_closes(
    session: FakeSession,
) -> None:
    session.fake.call_rows = [call(1, status="streaming"), call(2)]
    await session.listing.fetch()
    flow = automation(1, "Nightly")
    session.fake.automation_rows = [flow]
    session.fake.automation_runs = {flow.id: parse_rows(AutomationRun, [])}
    session.fake.automation_runs[flow.id].append(job(3, flow.id))
    session.close_observability()
    await session.listing.fetch()
    rows = session.listing.set.rows
    assert {row.state for row in rows.values()} == {"unknown", "success", "running"}
    assert rows[call(1).id].error == UNSEEN
    session.fake.refuse.clear()
    session.access.learn(Family.OBSERVABILITY)
    session.fake.call_rows = [call(4), call(2)]
    await session.listing.fetch()
    assert {row.call_id for row in rows.values()} == {call(4).id, call(2).id}


async def test_without_token_there_is_no_fallback_to_v1(tmp_path: Path) -> None:
    session = FakeSession(tmp_path, token=None, cookie="a=b")
    session.fake.refuse["observability.*"] = NotSignedIn("no", status=401)
    with pytest.raises(NotSignedIn):
        await session.listing.fetch()
    assert session.fake.log == ["observability.calls"]


async def test_known_runs_are_read_once_more_after_their_end(session: FakeSession) -> None:
    session.close_observability()
    session.history.remember(KnownRun(run(1).run_id, None, "acme/web", "Fix it"))
    session.fake.run_rows = {run(1).run_id: run(1)}
    await session.listing.fetch()
    (row,) = session.listing.set.rows.values()
    assert (row.state, row.repo, row.prompt, row.run_id) == ("streaming", "acme/web", "Fix it", run(1).run_id)
    session.fake.run_rows = {run(1).run_id: run(1, status="cancelled")}
    session.time.advance(10)
    assert await session.listing.fetch() is True
    # A run that was cancelled while its sandbox booted may stream again.
    session.fake.run_rows = {run(1).run_id: run(1, status="failed", error="ai_call is not pending")}
    session.time.advance(SETTLE + 0.1)
    assert await session.listing.fetch() is True
    session.time.advance(SETTLE + 0.1)
    await session.listing.fetch()
    session.fake.log.clear()
    for _ in range(5):
        session.time.advance(100)
        await session.listing.fetch()
    assert "runs.get" not in session.fake.log
    (row,) = session.listing.set.rows.values()
    assert (row.state, row.error) == ("failed", "ai_call is not pending")


async def test_v1_sources_are_read_at_their_intervals(session: FakeSession) -> None:
    session.close_observability()
    session.history.remember(KnownRun(run(1).run_id))
    session.fake.run_rows = {run(1).run_id: run(1)}
    session.fake.automation_rows = [automation(1, "Nightly")]
    session.fake.automation_runs = {automation(1, "").id: parse_rows(AutomationRun, [])}
    await session.listing.fetch()
    session.fake.log.clear()
    session.time.advance(1)
    assert await session.listing.fetch() is False
    assert session.fake.log == []
    session.time.advance(5)
    await session.listing.fetch()
    assert session.fake.log == ["runs.get"]


async def test_ended_known_run_is_not_read_after_restart(tmp_path: Path) -> None:
    rows = []
    for start in range(2):
        session = FakeSession(tmp_path)
        session.close_observability()
        session.time.advance(1000)
        if start == 0:
            for number in range(2):
                session.history.remember(KnownRun(run(number).run_id, prompt="Fix it"))
        session.fake.run_rows = {
            run(0).run_id: run(0, status="failed", error="no"),
            run(1).run_id: run(1, status="streaming"),
        }
        await session.listing.fetch()
        rows.append(dict(session.listing.set.rows))
        asked = [args for name, args, _ in session.fake.asked if name == "runs.get"]
    assert asked == [(run(1).run_id,)]
    assert len(rows[0]) == 2
    assert rows[0] == rows[1]


@pytest.mark.parametrize(
    "kept", [{"runId": 5}, {"runId": "other", "status": "success"}, {"status": "success"}]
)
async def test_damaged_known_run_is_read_again(session: FakeSession, kept: dict[str, object]) -> None:
    session.close_observability()
    session.history.remember(KnownRun(run(0).run_id, final=kept))
    session.fake.run_rows = {run(0).run_id: run(0, status="success")}
    await session.listing.fetch()
    assert "runs.get" in session.fake.log


async def test_many_known_runs_are_read_in_batches(session: FakeSession) -> None:
    session.close_observability()
    count = RUNS_A_READ * 3
    for number in range(count):
        session.history.remember(KnownRun(run(number).run_id))
        session.fake.run_rows[run(number).run_id] = run(
            number, status="streaming" if number == 0 else "success"
        )
    session.fake.automation_rows = [automation(1, "Nightly")]
    session.fake.automation_runs = {automation(1, "").id: parse_rows(AutomationRun, [])}
    await session.listing.fetch()
    assert session.fake.log.count("runs.get") == RUNS_A_READ
    assert "automations.runs" in session.fake.log
    for _ in range(2):
        session.time.advance(SETTLE + 1)
        await session.listing.fetch()
    # Every run is read once before any ended one is read again.
    assert len(session.listing.set.rows) == count


async def test_known_runs_left_by_used_up_budget_are_read_later(session: FakeSession) -> None:
    session.close_observability()
    for number in range(3):
        session.history.remember(KnownRun(run(number).run_id))
        session.fake.run_rows[run(number).run_id] = run(number)
    session.fake.refuse["runs.get"] = [None, BudgetBlocked(1030.0), None, None]
    with pytest.raises(BudgetBlocked):
        await session.listing.fetch()
    assert len(session.listing.set.rows) == 1
    await session.listing.fetch()
    assert len(session.listing.set.rows) == 3


async def test_known_run_that_is_gone_becomes_unknown(
    session: FakeSession,
) -> None:
    session.close_observability()
    session.history.remember(KnownRun("ghost"))
    session.history.remember(KnownRun(run(1).run_id))
    session.fake.run_rows = {run(1).run_id: run(1)}
    await session.listing.fetch()
    assert len(session.listing.set.rows) == 1
    session.fake.run_rows = {}
    session.time.advance(10)
    await session.listing.fetch()
    (row,) = session.listing.set.rows.values()
    assert (row.state, row.error) == ("unknown", FORGOTTEN)
    session.fake.log.clear()
    session.time.advance(100)
    await session.listing.fetch()
    assert "runs.get" not in session.fake.log


async def test_deleted_automation_hides_no_other(session: FakeSession) -> None:
    session.close_observability()
    session.fake.automation_rows = [automation(1, "Gone"), automation(2, "Nightly")]
    here = automation(2, "").id
    session.fake.automation_runs = {here: parse_rows(AutomationRun, [{"id": "j1", "status": ["odd"]}])}
    session.fake.automation_runs[here].append(job(3, here))
    await session.listing.fetch()
    assert {row.state for row in session.listing.set.rows.values()} == {"running", "unreadable"}
    session.time.advance(61)
    await session.listing.fetch()
    assert len(session.listing.set.rows) == 2


# One row


async def test_run_replaces_only_some_values_of_its_call(session: FakeSession) -> None:
    session.fake.call_rows = [call(1, status="pending", input_tokens=5, model="openai/gpt-5")]
    await session.listing.fetch()
    row = session.listing.put_run(run(1, status="streaming"))
    assert (row.source, row.state, row.tokens, row.model, row.run_id) == (
        RunSource.CALL,
        "pending",
        5,
        "openai/gpt-5",
        run(1).run_id,
    )
    assert row.external
    # If the sandbox cannot be launched the run fails, but its call stays pending for hours.
    row = session.listing.put_run(run(1, status="failed", error="launch failed"))
    assert (row.state, row.error, row.tokens) == ("failed", "launch failed", 5)
    assert row.ended_at is not None


async def test_run_replaces_state_when_calls_are_closed(session: FakeSession) -> None:
    session.fake.call_rows = [call(1, status="pending")]
    await session.listing.fetch()
    session.close_observability()
    assert session.listing.put_run(run(1, status="streaming")).state == "streaming"


async def test_reread_uses_the_source_of_the_row(session: FakeSession) -> None:
    session.fake.call_rows = [call(1, status="streaming")]
    await session.listing.fetch()
    session.fake.call_rows = [call(1, status="cancelled")]
    again = await session.listing.reread(session.listing.set.rows[call(1).id])
    assert again is not None
    assert again.state == "cancelled"
    assert session.fake.log[-1] == "observability.calls"

    session.fake.run_rows = {run(2).run_id: run(2, status="success")}
    again = await session.listing.reread(session.listing.put_run(run(2)))
    assert again is not None
    assert (again.state, session.fake.log[-1]) == ("success", "runs.get")


async def test_reread_of_automation_run_reads_its_list(session: FakeSession) -> None:
    session.close_observability()
    flow = automation(1, "Nightly")
    session.fake.automation_rows = [flow]
    session.fake.automation_runs = {flow.id: parse_rows(AutomationRun, [])}
    session.fake.automation_runs[flow.id].append(job(1, flow.id))
    await session.listing.fetch()
    (row,) = session.listing.set.rows.values()
    session.fake.automation_runs[flow.id][0] = job(1, flow.id, status="cancelled")
    again = await session.listing.reread(row)
    assert again is not None
    assert (again.state, again.who) == ("cancelled", "Nightly")


async def test_reread_of_missing_call_returns_none(session: FakeSession) -> None:
    session.fake.call_rows = [call(1, status="streaming")]
    await session.listing.fetch()
    row = session.listing.set.rows[call(1).id]
    session.fake.call_rows = []
    assert await session.listing.reread(row) is None


async def test_reread_avoids_a_closed_source(session: FakeSession) -> None:
    session.fake.call_rows = [call(1, status="streaming")]
    await session.listing.fetch()
    session.history.remember(KnownRun(run(1).run_id, call(1).id))
    row = session.listing.enrich(session.listing.set.rows[call(1).id])
    session.close_observability()
    session.fake.run_rows = {run(1).run_id: run(1, status="cancelled")}
    session.fake.log.clear()
    again = await session.listing.reread(row)
    assert again is not None
    assert again.state == "cancelled"
    assert session.fake.log == ["runs.get"]


async def test_mark_changes_state_and_notifies(session: FakeSession) -> None:
    session.fake.call_rows = [call(1, status="streaming")]
    await session.listing.fetch()
    changes: list[object] = []
    session.listing.set.changes.subscribe(changes.append)
    session.listing.mark(call(1).id, "cancelling")
    session.listing.mark("nobody", "cancelling")
    assert states(session) == {call(1).id: "cancelling"}
    assert len(changes) == 1


def test_list_is_metered_without_a_session_cookie(tmp_path: Path) -> None:
    assert FakeSession(tmp_path).listing.feed.metered()
    cookie = FakeSession(tmp_path, cookie="a=b")
    assert not cookie.listing.feed.metered()
    cookie.close_observability()
    assert cookie.listing.feed.metered()
