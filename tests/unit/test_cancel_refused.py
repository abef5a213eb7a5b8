"""Cancels that are refused, lost or not possible: state, message and ledger.

The contract is in v1.md §9 and observability.md §3.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.api.errors import (
    BadRequest,
    Conflict,
    MogplexError,
    NotAllowed,
    NotFound,
    ServiceFailed,
    Throttled,
    TimedOut,
    Unavailable,
    Unreachable,
)
from mogplex_tui.live import run_row as make
from mogplex_tui.operate.action_registry import BY_ID, disabled_reason
from mogplex_tui.operate.kind_rows import unavailable_reason
from mogplex_tui.operate.run_actions import CANCEL
from tests.unit.cancellable_runs import ask, ledger, state, streaming_call, streaming_run
from tests.unit.fakes import FakeSession, call, job, run, stamp

pytestmark = pytest.mark.usefixtures("pauses")

# Refusals of v1.md §9 and observability.md §3

REFUSALS: list[tuple[MogplexError, str]] = [
    (Conflict("Run is no longer active", status=409), "Run is no longer active"),
    (Conflict("Run state is inconsistent", status=409), "Run state is inconsistent"),
    (Conflict("Sandbox is not ready", status=409), "Sandbox is not ready"),
    (BadRequest("Run has no sandbox metadata", status=400), "Run has no sandbox metadata"),
    (ServiceFailed("Failed to cancel run", status=500), "Failed to cancel run"),
    (NotAllowed("Missing scope: write", status=403, missing_scope="write"), "Missing scope: write"),
    (Unavailable("busy", status=503), "busy"),
]


@pytest.mark.parametrize(("error", "text"), REFUSALS)
async def test_refused_cancel_restores_state_and_names_reason(
    session: FakeSession, error: MogplexError, text: str
) -> None:
    row = streaming_run(session)
    session.fake.refuse["runs.cancel"] = error
    outcome = await ask(session, row)
    assert not outcome.is_success
    assert "acme/web 00f00000 was not cancelled" in outcome.sentence
    assert text in outcome.sentence
    assert "recorded" not in outcome.sentence
    assert state(session, row) == "streaming"
    assert not session.in_flight.keys("runs")
    assert ledger(session)[-1][2] == "refused"
    # No refused cancel is sent again.
    assert [call for call in session.fake.log if "cancel" in call] == ["runs.cancel"]


@pytest.mark.parametrize(
    "error",
    [
        BadRequest("Missing sandbox metadata", status=400),
        NotFound("Not found", status=404),
        Conflict("Sandbox is not ready", status=409),
        ServiceFailed("kill failed", status=500),
    ],
)
async def test_refused_but_recorded_cancel_can_be_repeated(session: FakeSession, error: MogplexError) -> None:
    row = await streaming_call(session)
    session.fake.call_rows = [call(1, status="streaming", cancel_requested_at=stamp(5))]
    session.fake.refuse["observability.cancel_call"] = error
    outcome = await ask(session, row)
    assert not outcome.is_success
    assert error.message in outcome.sentence
    assert "The request is recorded; x repeats it." in outcome.sentence
    assert state(session, row) == "cancelling"
    assert unavailable_reason(CANCEL, session.listing.set.rows[row.key], session) is None


@pytest.mark.parametrize(("status", "good"), [("cancelled", True), ("success", False), ("failed", False)])
async def test_cancel_of_an_ended_call_reports_its_state(
    session: FakeSession, status: str, good: bool
) -> None:
    row = await streaming_call(session)
    session.fake.call_rows = [call(1, status=status)]
    session.fake.refuse["observability.cancel_call"] = Conflict("Call is no longer active", status=409)
    outcome = await ask(session, row)
    assert outcome.is_success is good
    assert outcome.sentence.endswith(f"already finished ({status}).")
    assert state(session, row) == status


@pytest.mark.parametrize("wide", [False, True])
async def test_cancel_reports_run_unknown_to_the_service(session: FakeSession, wide: bool) -> None:
    if wide:
        row = await streaming_call(session)
        session.fake.call_rows = []
        session.fake.refuse["observability.cancel_call"] = NotFound("Call not found", status=404)
    else:
        row = streaming_run(session)
        session.fake.run_rows = {}
        session.fake.refuse["runs.cancel"] = NotFound("Run not found", status=404)
    outcome = await ask(session, row)
    assert "no longer exists" in outcome.sentence
    assert state(session, row) != "cancelling"


async def test_throttled_cancel_says_when_to_retry(session: FakeSession) -> None:
    row = streaming_run(session)
    session.fake.refuse["runs.cancel"] = Throttled("slow down", status=429, retry_after=17)
    outcome = await ask(session, row)
    assert "Retry with x in 17s" in outcome.sentence
    assert state(session, row) == "streaming"


async def test_unanswered_cancel_restores_state_with_unknown_outcome(
    session: FakeSession,
) -> None:
    row = streaming_run(session)
    session.fake.refuse["runs.cancel"] = TimedOut("no answer")
    session.fake.refuse["runs.get"] = Unreachable("down")
    outcome = await ask(session, row)
    assert not outcome.is_success
    assert "no answer" in outcome.sentence
    assert state(session, row) == "streaming"
    assert ledger(session)[-1][2] == "unknown"


async def test_interrupted_cancel_restores_state(session: FakeSession) -> None:
    row = streaming_run(session)
    begun = asyncio.Event()

    async def hang(run_id: str) -> Any:
        begun.set()
        await asyncio.Event().wait()

    session.fake.runs.cancel = hang  # type: ignore[method-assign]
    task = asyncio.create_task(ask(session, row))
    await begun.wait()
    assert state(session, row) == "cancelling"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert state(session, row) == "streaming"
    assert not session.in_flight.keys("runs")
    assert ledger(session)[-1][2] == "unknown"


async def test_cancel_works_without_a_writable_ledger(session: FakeSession, tmp_path: Path) -> None:
    session.directory = None
    blocked = tmp_path / "file"
    blocked.write_text("")
    from mogplex_tui.live.change_ledger import Ledger

    session.ledger = Ledger(blocked)
    row = streaming_run(session)
    session.fake.on_cancel = lambda kind, id: session.fake.run_rows.update({id: run(1, status="cancelled")})
    assert (await ask(session, row)).is_success


# What is not offered


def test_unavailable_cancel_names_its_reason(session: FakeSession) -> None:
    live = make.from_run(run(1))
    assert unavailable_reason(CANCEL, live, session) is None
    assert "no run" in (disabled_reason(BY_ID["runs.cancel"], session, []) or "")
    assert "could not be read" in (unavailable_reason(CANCEL, make.unreadable("k", "why"), session) or "")
    for status in ("success", "failed", "cancelled"):
        assert (unavailable_reason(CANCEL, make.from_run(run(1, status=status)), session) or "").endswith(
            f"already finished ({status})."
        )
    # An unknown state may be live.
    assert unavailable_reason(CANCEL, make.from_call(call(1, status="hibernating")), session) is None
    assert unavailable_reason(CANCEL, make.from_job(job(1, "a"), "a", None), session) is None


def test_token_alone_cancels_runs_but_not_jobs_and_calls(session: FakeSession) -> None:
    session.close_observability()
    assert unavailable_reason(CANCEL, make.from_run(run(1)), session) is None
    assert "login --session" in (
        unavailable_reason(CANCEL, make.from_job(job(1, "a"), "a", None), session) or ""
    )
    assert "ID of this run is unknown" in (
        unavailable_reason(CANCEL, make.from_call(call(1, status="streaming")), session) or ""
    )
