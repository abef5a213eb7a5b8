"""Cancelling and starting: every route, every refusal, and what a person is told (v1.md §7, §9; observability.md §3)."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import (
    BadRequest,
    Conflict,
    IdempotencyConflict,
    InvalidInput,
    MogplexError,
    NotAllowed,
    NotFound,
    ServiceFailed,
    Throttled,
    TimedOut,
    Unavailable,
    Unreachable,
)
from mogplex_tui.api.models.base import Rows
from mogplex_tui.live import rows as make
from mogplex_tui.live.history import Remembered
from mogplex_tui.live.rows import RunRow
from mogplex_tui.operate import operations
from mogplex_tui.operate.operations import (
    Draft,
    Outcome,
    cancel,
    find_run,
    new_key,
    start,
    why_not_cancel,
)
from tests.unit.fakes import COOKIE, LOGIN, FakeSession, automation, call, event, job, run, stamp, uuid


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """No test waits; what would have been waited for is written down."""
    waited: list[float] = []

    async def pause(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(operations, "_pause", pause)
    return waited


@pytest.fixture
def session(tmp_path: Path) -> FakeSession:
    return FakeSession(tmp_path)


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


# Which route


async def test_a_run_is_cancelled_through_v1(session: FakeSession) -> None:
    row = streaming_run(session)

    def cancelled(kind: str, id: str) -> None:
        # The screen says so before the service has been asked, and the ledger knows first.
        assert state(session, row) == "cancelling"
        assert ledger(session)[-1] == ("cancel", f"run {run(1).run_id}", "sent")
        session.fake.run_rows[id] = run(1, status="cancelled")

    session.fake.on_cancel = cancelled
    outcome = await ask(session, row)
    assert (outcome.good, outcome.sentence) == (True, "acme/web 00f00000 is cancelled.")
    assert session.fake.log == ["runs.cancel", "runs.get"]
    assert session.fake.priorities[0] is Priority.ACTION
    assert state(session, row) == "cancelled"
    assert session.cancelling == {}
    assert ledger(session)[-1] == ("cancel", f"run {run(1).run_id}", "done")


async def test_a_call_is_cancelled_through_observability(session: FakeSession) -> None:
    row = await streaming_call(session)
    session.fake.on_cancel = lambda kind, id: session.fake.call_rows.__setitem__(
        0, call(1, status="cancelled")
    )
    outcome = await ask(session, row)
    assert outcome.good
    assert session.fake.log == ["observability.cancel_call", "observability.calls"]
    assert state(session, row) == "cancelled"


async def test_a_job_is_cancelled_as_a_job(session: FakeSession) -> None:
    flow = automation(1, "Nightly").id
    session.fake.automation_runs = {flow: Rows([job(1, flow)])}
    row = make.from_job(job(1, flow), flow, "Nightly")
    session.listing.set.apply([(row.key, row)])
    session.fake.on_cancel = lambda kind, id: session.fake.automation_runs[flow].__setitem__(
        0, job(1, flow, status="cancelled")
    )
    outcome = await ask(session, row)
    assert outcome.good
    assert session.fake.log == ["observability.cancel_job", "automations.runs"]
    assert ledger(session)[0] == ("cancel", f"job {row.key}", "sent")


async def test_with_a_cookie_alone_the_call_of_a_run_is_cancelled(tmp_path: Path) -> None:
    session = FakeSession(tmp_path, token=None, cookie=COOKIE)
    session.history.remember(Remembered("r1", call(1).id))
    row = await streaming_call(session, metadata={"external_request_id": "k"})
    assert row.run_id == "r1"
    await ask(session, row)
    assert session.fake.log[0] == "observability.cancel_call"
    assert "runs.cancel" not in session.fake.log


async def test_the_run_behind_a_cancelled_call_is_ended_too(session: FakeSession) -> None:
    row = await streaming_call(session, metadata={"external_request_id": "k", "repo": "acme/web"})
    first = event(1, "started", payload={"external_run_id": run(1).run_id})
    session.fake.events_of_call[call(1).id] = [Rows([first])]
    session.fake.on_cancel = lambda kind, id: session.fake.call_rows.__setitem__(
        0, call(1, status="cancelled")
    )
    assert (await ask(session, row)).good
    assert session.fake.log[:3] == ["observability.cancel_call", "observability.call_events", "runs.cancel"]
    assert session.history.get(run(1).run_id) == Remembered(run(1).run_id, call(1).id, "acme/web", None)


@pytest.mark.parametrize("name", ["observability.call_events", "runs.cancel"])
async def test_that_it_could_not_be_ended_too_does_not_undo_the_cancel(
    session: FakeSession, name: str
) -> None:
    row = await streaming_call(session, metadata={"external_request_id": "k"})
    first = event(1, "started", payload={"external_run_id": run(1).run_id})
    session.fake.events_of_call[call(1).id] = [Rows([first])]
    session.fake.refuse[name] = Unreachable("down")
    session.fake.on_cancel = lambda kind, id: session.fake.call_rows.__setitem__(
        0, call(1, status="cancelled")
    )
    assert (await ask(session, row)).good


async def test_a_call_that_hangs_after_its_run_failed_is_ended(session: FakeSession) -> None:
    session.history.remember(Remembered(run(1).run_id, call(1).id))
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
    assert (await ask(session, row)).good
    assert session.fake.log[:2] == ["runs.cancel", "observability.cancel_call"]
    # When the call is over as well, that is no trouble.
    session.fake.refuse["observability.cancel_call"] = Conflict("Call is no longer active", status=409)
    assert (await ask(session, row)).good


# Reading back


async def test_it_is_read_back_until_it_is_over(session: FakeSession, pauses: list[float]) -> None:
    row = streaming_run(session)
    answers = [run(1), run(1), run(1, status="cancelled")]

    async def get(run_id: str) -> Any:
        assert session.cancelling == {row.key: "streaming"}
        return answers.pop(0)

    session.fake.runs.get = get  # type: ignore[method-assign]
    outcome = await ask(session, row)
    assert outcome.good
    assert answers == []
    assert pauses == [1.0, 3.0]


async def test_a_cancel_that_does_not_take_says_what_the_service_says(session: FakeSession) -> None:
    row = streaming_run(session)
    outcome = await ask(session, row)
    assert not outcome.good
    assert "has been asked to stop and still says streaming" in outcome.sentence
    assert state(session, row) == "streaming"
    assert session.cancelling == {}


async def test_a_request_that_the_service_recorded_goes_on_saying_so(session: FakeSession) -> None:
    row = await streaming_call(session)
    session.fake.on_cancel = lambda kind, id: session.fake.call_rows.__setitem__(
        0, call(1, status="streaming", cancel_requested_at=stamp(5))
    )
    outcome = await ask(session, row)
    assert not outcome.good
    assert "has not ended yet" in outcome.sentence
    assert state(session, row) == "cancelling"


@pytest.mark.parametrize("status", ["success", "failed"])
async def test_work_that_was_over_first_is_told_as_such(session: FakeSession, status: str) -> None:
    row = streaming_run(session)
    session.fake.on_cancel = lambda kind, id: session.fake.run_rows.update({id: run(1, status=status)})
    outcome = await ask(session, row)
    assert not outcome.good
    assert outcome.sentence.endswith(f"was over before the cancel arrived: {status}.")
    assert state(session, row) == status


async def test_a_cancel_that_cannot_be_read_back_is_not_called_done(session: FakeSession) -> None:
    row = streaming_run(session)
    session.fake.refuse["runs.get"] = Unreachable("down")
    outcome = await ask(session, row)
    assert not outcome.good
    assert "could not be read back" in outcome.sentence
    assert ledger(session)[-1][2] == "done"


async def test_one_failed_read_back_does_not_hide_the_next(session: FakeSession) -> None:
    row = streaming_run(session)
    session.fake.refuse["runs.get"] = [Unavailable("busy", status=503), None]
    session.fake.on_cancel = lambda kind, id: session.fake.run_rows.update({id: run(1, status="cancelled")})
    assert (await ask(session, row)).good


# Refusals of v1.md §9 and observability.md §3

REFUSALS: list[tuple[MogplexError, str]] = [
    (Conflict("Run is no longer active", status=409), "Run is no longer active"),
    (Conflict("Run state is inconsistent", status=409), "Run state is inconsistent"),
    (Conflict("Sandbox is not ready", status=409), "Sandbox is not ready"),
    (BadRequest("Run has no sandbox metadata", status=400), "Run has no sandbox metadata"),
    (ServiceFailed("Failed to cancel run", status=500), "Failed to cancel run"),
    (NotAllowed("Missing scope: write", status=403), "Missing scope: write"),
    (Unavailable("busy", status=503), "busy"),
]


@pytest.mark.parametrize(("error", "text"), REFUSALS)
async def test_a_refused_cancel_of_a_live_run_puts_its_state_back_and_says_why(
    session: FakeSession, error: MogplexError, text: str
) -> None:
    row = streaming_run(session)
    session.fake.refuse["runs.cancel"] = error
    outcome = await ask(session, row)
    assert not outcome.good
    assert "acme/web 00f00000 was not cancelled." in outcome.sentence
    assert text in outcome.sentence
    assert "recorded" not in outcome.sentence
    assert state(session, row) == "streaming"
    assert session.cancelling == {}
    assert ledger(session)[-1][2] == "refused"
    # A 409 is never repeated blindly, nor is anything else.
    assert session.fake.log == ["runs.cancel", "runs.get"]


@pytest.mark.parametrize(
    "error",
    [
        BadRequest("Missing sandbox metadata", status=400),
        NotFound("Not found", status=404),
        Conflict("Sandbox is not ready", status=409),
        ServiceFailed("kill failed", status=500),
    ],
)
async def test_a_refusal_that_recorded_the_request_says_that_it_can_be_repeated(
    session: FakeSession, error: MogplexError
) -> None:
    row = await streaming_call(session)
    session.fake.call_rows = [call(1, status="streaming", cancel_requested_at=stamp(5))]
    session.fake.refuse["observability.cancel_call"] = error
    outcome = await ask(session, row)
    assert not outcome.good
    assert error.what in outcome.sentence
    assert "The request is recorded; x repeats it." in outcome.sentence
    assert state(session, row) == "cancelling"
    assert why_not_cancel(session, session.listing.set.rows[row.key]) is None


@pytest.mark.parametrize(("status", "good"), [("cancelled", True), ("success", False), ("failed", False)])
async def test_a_call_that_is_over_already_is_told_as_such(
    session: FakeSession, status: str, good: bool
) -> None:
    row = await streaming_call(session)
    session.fake.call_rows = [call(1, status=status)]
    session.fake.refuse["observability.cancel_call"] = Conflict("Call is no longer active", status=409)
    outcome = await ask(session, row)
    assert outcome.good is good
    assert outcome.sentence.endswith(f"was already over: {status}.")
    assert state(session, row) == status


@pytest.mark.parametrize("wide", [False, True])
async def test_what_the_service_no_longer_knows_is_said(session: FakeSession, wide: bool) -> None:
    if wide:
        row = await streaming_call(session)
        session.fake.call_rows = []
        session.fake.refuse["observability.cancel_call"] = NotFound("Call not found", status=404)
    else:
        row = streaming_run(session)
        session.fake.run_rows = {}
        session.fake.refuse["runs.cancel"] = NotFound("Run not found", status=404)
    outcome = await ask(session, row)
    assert "does not know" in outcome.sentence
    assert state(session, row) != "cancelling"


async def test_too_many_requests_say_when_to_try_again(session: FakeSession) -> None:
    row = streaming_run(session)
    session.fake.refuse["runs.cancel"] = Throttled("slow down", status=429, retry_after=17)
    outcome = await ask(session, row)
    assert "x again in 17 s" in outcome.sentence
    assert state(session, row) == "streaming"


async def test_without_any_answer_the_state_is_put_back_and_the_ledger_says_that_nobody_knows(
    session: FakeSession,
) -> None:
    row = streaming_run(session)
    session.fake.refuse["runs.cancel"] = TimedOut("no answer")
    session.fake.refuse["runs.get"] = Unreachable("down")
    outcome = await ask(session, row)
    assert not outcome.good
    assert "no answer" in outcome.sentence
    assert state(session, row) == "streaming"
    assert ledger(session)[-1][2] == "unknown"


async def test_leaving_in_the_middle_of_a_cancel_leaves_nothing_marked(session: FakeSession) -> None:
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
    assert (state(session, row), session.cancelling) == ("streaming", {})
    assert ledger(session)[-1][2] == "unknown"


async def test_a_full_disk_keeps_nobody_from_cancelling(session: FakeSession, tmp_path: Path) -> None:
    session.directory = None
    blocked = tmp_path / "file"
    blocked.write_text("")
    from mogplex_tui.live.ledger import Ledger

    session.ledger = Ledger(blocked)
    row = streaming_run(session)
    session.fake.on_cancel = lambda kind, id: session.fake.run_rows.update({id: run(1, status="cancelled")})
    assert (await ask(session, row)).good


# What is not offered


def test_what_cannot_be_cancelled_says_why(session: FakeSession) -> None:
    live = make.from_run(run(1))
    assert why_not_cancel(session, live) is None
    assert "no run" in (why_not_cancel(session, None) or "")
    assert "could not be read" in (why_not_cancel(session, make.unreadable("k", "why")) or "")
    for status in ("success", "failed", "cancelled"):
        assert (why_not_cancel(session, make.from_run(run(1, status=status))) or "").endswith(
            f"already over: {status}."
        )
    # A state that nobody knows may be live.
    assert why_not_cancel(session, make.from_call(call(1, status="hibernating"))) is None
    assert why_not_cancel(session, make.from_job(job(1, "a"), "a", None)) is None


def test_a_token_alone_cancels_runs_but_no_jobs_and_no_calls(session: FakeSession) -> None:
    session.close_observability()
    assert why_not_cancel(session, make.from_run(run(1))) is None
    assert "MOGPLEX_SESSION_COOKIE" in (why_not_cancel(session, make.from_job(job(1, "a"), "a", None)) or "")
    assert "id of this run is not known" in (
        why_not_cancel(session, make.from_call(call(1, status="streaming"))) or ""
    )


# Starting

REPO = uuid(7, "0e900000")
DRAFT = Draft(repo_id=REPO, repo="acme/web", prompt=" Fix it ", base_branch="", working_branch=" fix/it ")


def keys(session: FakeSession) -> list[str]:
    return [args[1] for name, args, _ in session.fake.asked if name == "runs.start"]


async def test_a_started_run_is_in_the_list_the_history_and_the_ledger(session: FakeSession) -> None:
    session.fake.started = run(1, status="pending")
    row = await start(session, session.listing, DRAFT, "key-1")
    ((_, (request, key), _),) = session.fake.asked
    assert key == "key-1"
    assert request.body() == {
        "repoId": REPO,
        "prompt": "Fix it",
        "harness": "codex",
        "workingBranch": "fix/it",
        "createBranch": True,
    }
    assert session.listing.set.rows[row.key] == row
    assert (row.state, row.repo, row.prompt, row.run_id) == ("pending", "acme/web", " Fix it ", run(1).run_id)
    assert session.history.get(run(1).run_id) == Remembered(run(1).run_id, call(1).id, "acme/web", " Fix it ")
    assert session.listing.feed.asked
    assert ledger(session) == [("start", "run in acme/web", "sent"), ("start", "run in acme/web", "done")]
    assert session.ledger.entries[0].key == "key-1"
    # The prompt is the person's own; the ledger does not need it.
    assert session.directory is not None
    assert "Fix it" not in (session.directory / "ledger.jsonl").read_text()


async def test_a_lost_answer_is_asked_for_again_under_the_same_key(
    session: FakeSession, pauses: list[float]
) -> None:
    session.fake.started = run(1)
    session.fake.refuse["runs.start"] = [TimedOut("lost"), Unavailable("busy", status=503), None]
    await start(session, session.listing, DRAFT, "key-1")
    assert keys(session) == ["key-1"] * 3
    assert len(pauses) == 2
    assert ledger(session)[-1][2] == "done"


async def test_an_unknown_repository_that_answers_503_for_ever_ends(session: FakeSession) -> None:
    session.fake.refuse["runs.start"] = Unavailable("try later", status=503)
    with pytest.raises(Unavailable):
        await start(session, session.listing, DRAFT, "key-1")
    assert keys(session) == ["key-1"] * 4
    assert ledger(session)[-1][2] == "refused"


@pytest.mark.parametrize(
    "error",
    [
        IdempotencyConflict("Idempotency key already used for a different request", status=409),
        Conflict("no", status=409),
        BadRequest("Invalid harness", status=400),
        NotFound("Repo not found", status=404),
        NotAllowed("Missing scope: write", status=403),
        # A key replays the run that failed (errors.md §5), so a 500 is for a person.
        ServiceFailed("broken", status=500),
        # The quota of a day is no matter of a moment.
        Throttled("quota", status=429, retry_after=3000),
        Throttled("quota", status=429, retry_after=30),
        LOGIN,
    ],
)
async def test_a_refused_start_is_never_repeated_and_changes_nothing(
    session: FakeSession, error: MogplexError
) -> None:
    session.fake.refuse["runs.start"] = error
    draft = Draft(repo_id=REPO, prompt="Fix it")
    with pytest.raises(type(error)):
        await start(session, session.listing, draft, "key-1")
    assert keys(session) == ["key-1"]
    assert draft == Draft(repo_id=REPO, prompt="Fix it")
    assert (len(session.listing.set.rows), len(session.history)) == (0, 0)
    assert ledger(session)[-1] == ("start", f"run in {REPO}", "refused")


async def test_a_start_that_nobody_answered_is_of_unknown_end(session: FakeSession) -> None:
    session.fake.refuse["runs.start"] = Unreachable("down")
    with pytest.raises(Unreachable):
        await start(session, session.listing, DRAFT, "key-1")
    assert keys(session) == ["key-1"] * 4
    assert ledger(session)[-1][2] == "unknown"


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (Draft(repo_id="", prompt="x"), "repo_id"),
        (Draft(repo_id="not-a-uuid", prompt="x"), "repo_id"),
        (Draft(repo_id=REPO, prompt="  "), "prompt"),
        (Draft(repo_id=REPO, prompt="x", harness="vim"), "harness"),
        (Draft(repo_id=REPO, prompt="x", base_branch="a..b"), "base_branch"),
    ],
)
async def test_a_draft_that_cannot_work_is_not_sent(session: FakeSession, draft: Draft, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await start(session, session.listing, draft, "key-1")
    assert list(caught.value.problems) == [field]
    assert session.fake.log == []
    assert list(session.ledger.entries) == []


async def test_a_replay_does_not_forget_what_its_call_knows(session: FakeSession) -> None:
    session.fake.call_rows = [call(1, status="success", input_tokens=9)]
    await session.listing.fetch()
    session.fake.started = run(1, status="success")
    row = await start(session, session.listing, DRAFT, "key-1")
    assert (row.tokens, row.run_id, row.prompt) == (9, run(1).run_id, " Fix it ")


def test_every_key_is_new_and_fits() -> None:
    made = {new_key() for _ in range(50)}
    assert len(made) == 50
    assert all(0 < len(key) <= 200 for key in made)


# Opening by id


async def test_a_run_is_found_by_its_id_and_remembered(session: FakeSession) -> None:
    session.names.repos[REPO] = "acme/web"
    session.fake.run_rows = {run(1).run_id: run(1)}
    row = await find_run(session, session.listing, run(1).run_id)
    assert session.listing.set.rows[row.key] == row
    assert (row.repo, row.state) == ("acme/web", "streaming")
    assert session.history.get(run(1).run_id) == Remembered(run(1).run_id, call(1).id, "acme/web", None)


async def test_a_call_in_the_list_learns_the_run_that_was_found(session: FakeSession) -> None:
    row = await streaming_call(session, input_tokens=9)
    session.fake.run_rows = {run(1).run_id: run(1)}
    found = await find_run(session, session.listing, run(1).run_id)
    assert (found.key, found.tokens, found.run_id) == (row.key, 9, run(1).run_id)


async def test_an_id_that_nobody_knows_is_not_remembered(session: FakeSession) -> None:
    with pytest.raises(NotFound):
        await find_run(session, session.listing, "ghost")
    assert len(session.history) == 0
