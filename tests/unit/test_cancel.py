"""Cancelling runs, calls and jobs: routes and read-back.

The contract is in v1.md §9 and observability.md §3.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import (
    Conflict,
    Unavailable,
    Unreachable,
)
from mogplex_tui.api.models.base import Rows
from mogplex_tui.live import run_row as make
from mogplex_tui.live.known_runs import KnownRun
from mogplex_tui.operate import run_changes
from tests.unit.cancellable_runs import ask, ledger, state, streaming_call, streaming_run
from tests.unit.fakes import COOKIE, LOGIN, FakeSession, automation, call, event, job, run, stamp

pytestmark = pytest.mark.usefixtures("pauses")

# Which route


async def test_run_is_cancelled_through_v1(session: FakeSession) -> None:
    row = streaming_run(session)

    def cancelled(kind: str, id: str) -> None:
        # The new state is shown and the ledger written before the request is sent.
        assert state(session, row) == "cancelling"
        assert ledger(session)[-1] == ("runs.cancel", f"run {run(1).run_id}", "sent")
        session.fake.run_rows[id] = run(1, status="cancelled")

    session.fake.on_cancel = cancelled
    outcome = await ask(session, row)
    assert (outcome.is_success, outcome.sentence) == (True, "acme/web 00f00000 is cancelled.")
    assert session.fake.log == ["runs.cancel", "runs.get"]
    assert session.fake.priorities[0] is Priority.ACTION
    assert state(session, row) == "cancelled"
    assert not session.in_flight.keys("runs")
    assert ledger(session)[-1] == ("runs.cancel", f"run {run(1).run_id}", "done")


async def test_call_is_cancelled_through_observability(session: FakeSession) -> None:
    row = await streaming_call(session)
    session.fake.on_cancel = lambda kind, id: session.fake.call_rows.__setitem__(
        0, call(1, status="cancelled")
    )
    outcome = await ask(session, row)
    assert outcome.is_success
    assert session.fake.log == ["observability.cancel_call", "observability.calls"]
    assert state(session, row) == "cancelled"


async def test_job_is_cancelled_through_observability(session: FakeSession) -> None:
    flow = automation(1, "Nightly").id
    session.fake.automation_runs = {flow: Rows([job(1, flow)])}
    row = make.from_job(job(1, flow), flow, "Nightly")
    session.listing.set.apply([(row.key, row)])
    session.fake.on_cancel = lambda kind, id: session.fake.automation_runs[flow].__setitem__(
        0, job(1, flow, status="cancelled")
    )
    outcome = await ask(session, row)
    assert outcome.is_success
    assert session.fake.log == ["observability.cancel_job", "automations.runs"]
    assert ledger(session)[0] == ("runs.cancel", f"job {row.key}", "sent")


async def test_cookie_alone_cancels_the_call_of_a_run(tmp_path: Path) -> None:
    session = FakeSession(tmp_path, token=None, cookie=COOKIE)
    session.history.remember(KnownRun("r1", call(1).id))
    row = await streaming_call(session, metadata={"external_request_id": "k"})
    assert row.run_id == "r1"
    await ask(session, row)
    assert session.fake.log[0] == "observability.cancel_call"
    assert "runs.cancel" not in session.fake.log


async def test_cancel_of_a_call_ends_its_run_too(session: FakeSession) -> None:
    row = await streaming_call(session, metadata={"external_request_id": "k", "repo": "acme/web"})
    first = event(1, "started", payload={"external_run_id": run(1).run_id})
    session.fake.events_of_call[call(1).id] = [Rows([first])]
    session.fake.on_cancel = lambda kind, id: session.fake.call_rows.__setitem__(
        0, call(1, status="cancelled")
    )
    assert (await ask(session, row)).is_success
    assert session.fake.log[:3] == ["observability.cancel_call", "observability.call_events", "runs.cancel"]
    assert session.history.get(run(1).run_id) == KnownRun(run(1).run_id, call(1).id, "acme/web", None)


@pytest.mark.parametrize("name", ["observability.call_events", "runs.cancel"])
async def test_cancel_succeeds_when_its_run_cannot_be_ended(session: FakeSession, name: str) -> None:
    row = await streaming_call(session, metadata={"external_request_id": "k"})
    first = event(1, "started", payload={"external_run_id": run(1).run_id})
    session.fake.events_of_call[call(1).id] = [Rows([first])]
    session.fake.refuse[name] = Unreachable("down")
    session.fake.on_cancel = lambda kind, id: session.fake.call_rows.__setitem__(
        0, call(1, status="cancelled")
    )
    assert (await ask(session, row)).is_success


async def test_cancel_ends_call_whose_run_has_already_failed(session: FakeSession) -> None:
    session.history.remember(KnownRun(run(1).run_id, call(1).id))
    row = await streaming_call(session)

    async def over(run_id: str) -> Any:
        from mogplex_tui.api.models.runs import RunCancelled

        await session.fake.ask("runs.cancel", run_id)
        return RunCancelled.model_validate(
            {"run": {"runId": run_id, "status": "failed"}, "status": "failed", "alreadyTerminal": True}
        )

    session.fake.runs.cancel = over  # type: ignore[method-assign]
    session.fake.on_cancel = lambda kind, id: session.fake.call_rows.__setitem__(
        0, call(1, status="cancelled")
    )
    assert (await ask(session, row)).is_success
    assert session.fake.log[:2] == ["runs.cancel", "observability.cancel_call"]
    # That the call has ended too is no error.
    session.fake.refuse["observability.cancel_call"] = Conflict("Call is no longer active", status=409)
    assert (await ask(session, row)).is_success


# Reading back


async def test_cancelled_run_is_read_until_it_has_ended(session: FakeSession, pauses: list[float]) -> None:
    row = streaming_run(session)
    answers = [run(1), run(1), run(1, status="cancelled")]

    async def get(run_id: str) -> Any:
        assert session.in_flight.word("runs", row.key) == "cancelling"
        return answers.pop(0)

    session.fake.runs.get = get  # type: ignore[method-assign]
    outcome = await ask(session, row)
    assert outcome.is_success
    assert answers == []
    assert pauses == [1.0, 3.0]


async def test_cancel_without_effect_reports_state_of_the_service(session: FakeSession) -> None:
    row = streaming_run(session)
    outcome = await ask(session, row)
    assert not outcome.is_success
    assert "is still streaming" in outcome.sentence
    assert state(session, row) == "streaming"
    assert not session.in_flight.keys("runs")


async def test_recorded_cancel_request_keeps_state_cancelling(session: FakeSession) -> None:
    row = await streaming_call(session)
    session.fake.on_cancel = lambda kind, id: session.fake.call_rows.__setitem__(
        0, call(1, status="streaming", cancel_requested_at=stamp(5))
    )
    outcome = await ask(session, row)
    assert not outcome.is_success
    assert "has not stopped yet" in outcome.sentence
    assert state(session, row) == "cancelling"


@pytest.mark.parametrize("status", ["success", "failed"])
async def test_cancel_reports_run_that_ended_first(session: FakeSession, status: str) -> None:
    row = streaming_run(session)
    session.fake.on_cancel = lambda kind, id: session.fake.run_rows.update({id: run(1, status=status)})
    outcome = await ask(session, row)
    assert not outcome.is_success
    assert outcome.sentence.endswith(f"finished before the cancel arrived ({status}).")
    assert state(session, row) == status


async def test_cancel_that_cannot_be_read_back_is_not_good(session: FakeSession) -> None:
    row = streaming_run(session)
    session.fake.refuse["runs.get"] = Unreachable("down")
    outcome = await ask(session, row)
    assert not outcome.is_success
    assert "its state could not be read" in outcome.sentence
    assert ledger(session)[-1][2] == "done"


async def test_cancel_is_read_back_again_after_a_failed_read(session: FakeSession) -> None:
    row = streaming_run(session)
    session.fake.refuse["runs.get"] = [Unavailable("busy", status=503), None]
    session.fake.on_cancel = lambda kind, id: session.fake.run_rows.update({id: run(1, status="cancelled")})
    assert (await ask(session, row)).is_success


async def test_ledger_has_cancel_interrupted_while_read_back(
    session: FakeSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = streaming_run(session)
    reading = asyncio.Event()

    async def pause(_: float) -> None:
        reading.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(run_changes, "_pause", pause)
    asking = asyncio.create_task(ask(session, row))
    await reading.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert [entry[2] for entry in ledger(session)] == ["sent", "done"]
    assert not session.in_flight.keys("runs")


@pytest.mark.parametrize("of", ["call", "run", "job"])
async def test_list_requested_before_cancel_keeps_the_new_state(session: FakeSession, of: str) -> None:
    flow = automation(1, "Nightly")
    part: object
    if of == "call":
        row, part, name = await streaming_call(session), session.fake.observability, "calls"
    elif of == "run":
        session.history.remember(KnownRun(run(1).run_id))
        row, part, name = streaming_run(session), session.fake.runs, "get"
    else:
        session.fake.refuse["observability.calls"] = LOGIN
        session.fake.automation_rows = [flow]
        session.fake.automation_runs = {flow.id: Rows([job(1, flow.id)])}
        row, part, name = make.from_job(job(1, flow.id), flow.id, "Nightly"), session.fake.automations, "runs"
        session.listing.set.apply([(row.key, row)])

    def cancelled(kind: str, id: str) -> None:
        session.fake.call_rows = [call(1, status="cancelled")]
        session.fake.run_rows = {run(1).run_id: run(1, status="cancelled")}
        session.fake.automation_runs = {flow.id: Rows([job(1, flow.id, status="cancelled")])}

    session.fake.on_cancel = cancelled
    ask_now, on_its_way, later = getattr(part, name), asyncio.Event(), asyncio.Event()

    async def first_is_slow(*args: Any, **kwargs: Any) -> Any:
        answer = await ask_now(*args, **kwargs)
        if not on_its_way.is_set():
            on_its_way.set()
            await later.wait()
        return answer

    setattr(part, name, first_is_slow)
    poll = asyncio.create_task(session.listing.fetch())
    await on_its_way.wait()
    assert (await ask(session, row)).is_success
    later.set()
    assert await poll is False
    assert state(session, row) == "cancelled"
    session.time.advance(100)
    await session.listing.fetch()
    assert state(session, row) == "cancelled"
