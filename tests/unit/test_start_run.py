"""Starting a run and opening one by its id (v1.md §7)."""

from __future__ import annotations

import pytest

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
from mogplex_tui.live.known_runs import KnownRun
from mogplex_tui.live.run_lookup import find_run
from mogplex_tui.operate.executor import new_idempotency_key
from mogplex_tui.operate.run_actions import Draft
from mogplex_tui.operate.run_changes import start
from tests.unit.cancellable_runs import ledger, streaming_call
from tests.unit.fakes import LOGIN, FakeSession, call, run, uuid

pytestmark = pytest.mark.usefixtures("pauses")

# Starting

REPO = uuid(7, "0e900000")
DRAFT = Draft(repo_id=REPO, repo="acme/web", prompt=" Fix it ", base_branch="", working_branch=" fix/it ")


def keys(session: FakeSession) -> list[str]:
    return [args[1] for name, args, _ in session.fake.asked if name == "runs.start"]


async def test_started_run_is_in_list_history_and_ledger(session: FakeSession) -> None:
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
    assert session.history.get(run(1).run_id) == KnownRun(run(1).run_id, call(1).id, "acme/web", " Fix it ")
    assert session.listing.feed.asked
    assert ledger(session) == [
        ("runs.start", "run in acme/web", "sent"),
        ("runs.start", "run in acme/web", "done"),
    ]
    assert session.ledger.entries[0].key == "key-1"
    # The ledger does not store the prompt.
    assert session.directory is not None
    assert "Fix it" not in (session.directory / "ledger.jsonl").read_text()


async def test_start_without_response_is_retried_with_its_key(
    session: FakeSession, pauses: list[float]
) -> None:
    session.fake.started = run(1)
    session.fake.refuse["runs.start"] = [TimedOut("lost"), Unavailable("busy", status=503), None]
    await start(session, session.listing, DRAFT, "key-1")
    assert keys(session) == ["key-1"] * 3
    assert len(pauses) == 2
    assert ledger(session)[-1][2] == "done"


async def test_start_retries_end_for_an_unknown_repository(session: FakeSession) -> None:
    session.fake.refuse["runs.start"] = Unavailable("try later", status=503)
    with pytest.raises(Unavailable):
        await start(session, session.listing, DRAFT, "key-1")
    assert keys(session) == ["key-1"] * 4
    # The service may have started the run (errors.md §5).
    assert ledger(session)[-1][2] == "unknown"


@pytest.mark.parametrize(
    "error",
    [
        IdempotencyConflict("Idempotency key already used for a different request", status=409),
        Conflict("no", status=409),
        BadRequest("Invalid harness", status=400),
        NotFound("Repo not found", status=404),
        NotAllowed("Missing scope: write", status=403, missing_scope="write"),
        # A repeated key returns the failed run (errors.md §5), so that a 500 is not retried.
        ServiceFailed("broken", status=500),
        # A daily quota does not free up soon.
        Throttled("quota", status=429, retry_after=3000),
        LOGIN,
    ],
)
async def test_refused_start_is_not_repeated(session: FakeSession, error: MogplexError) -> None:
    session.fake.refuse["runs.start"] = error
    draft = Draft(repo_id=REPO, prompt="Fix it")
    with pytest.raises(type(error)):
        await start(session, session.listing, draft, "key-1")
    assert keys(session) == ["key-1"]
    assert draft == Draft(repo_id=REPO, prompt="Fix it")
    assert (len(session.listing.set.rows), len(session.history)) == (0, 0)
    end = "unknown" if (error.status or 0) >= 500 else "refused"
    assert ledger(session)[-1] == ("runs.start", f"run in {REPO}", end)


async def test_throttled_start_is_retried_with_its_key(session: FakeSession, pauses: list[float]) -> None:
    limited = Throttled("quota", status=429, retry_after=30)
    session.fake.started = run(1)
    session.fake.refuse["runs.start"] = [limited, limited, None]
    await start(session, session.listing, DRAFT, "key-1")
    assert keys(session) == ["key-1"] * 3
    assert sum(pauses) == 60
    assert [state for _, _, state in ledger(session)] == ["sent", "queued", "sent", "queued", "sent", "done"]


async def test_start_with_lost_response_stays_unknown_if_refused(
    session: FakeSession,
) -> None:
    limited = Throttled("quota", status=429, retry_after=30)
    session.fake.refuse["runs.start"] = [TimedOut("lost"), limited, limited, limited]
    with pytest.raises(TimedOut):
        await start(session, session.listing, DRAFT, "key-1")
    states = [state for _, _, state in ledger(session)]
    assert states == ["sent", "sent", "sent", "unknown"], "no state between says that nothing was done"


async def test_start_without_any_response_has_unknown_outcome(session: FakeSession) -> None:
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
async def test_invalid_draft_is_not_sent(session: FakeSession, draft: Draft, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await start(session, session.listing, draft, "key-1")
    assert list(caught.value.problems) == [field]
    assert session.fake.log == []
    assert list(session.ledger.entries) == []


async def test_replayed_start_keeps_values_of_its_call(session: FakeSession) -> None:
    session.fake.call_rows = [call(1, status="success", input_tokens=9)]
    await session.listing.fetch()
    session.fake.started = run(1, status="success")
    row = await start(session, session.listing, DRAFT, "key-1")
    assert (row.tokens, row.run_id, row.prompt) == (9, run(1).run_id, " Fix it ")


def test_idempotency_keys_are_unique_and_valid() -> None:
    made = {new_idempotency_key() for _ in range(50)}
    assert len(made) == 50
    assert all(0 < len(key) <= 200 for key in made)


# Opening by id


async def test_opened_run_is_remembered(session: FakeSession) -> None:
    session.names.repos[REPO] = "acme/web"
    session.fake.run_rows = {run(1).run_id: run(1)}
    row = await find_run(session.listing, run(1).run_id)
    assert session.listing.set.rows[row.key] == row
    assert (row.repo, row.state) == ("acme/web", "streaming")
    assert session.history.get(run(1).run_id) == KnownRun(run(1).run_id, call(1).id, "acme/web", None)


async def test_opened_run_is_joined_to_its_listed_call(session: FakeSession) -> None:
    row = await streaming_call(session, input_tokens=9)
    session.fake.run_rows = {run(1).run_id: run(1)}
    found = await find_run(session.listing, run(1).run_id)
    assert (found.key, found.tokens, found.run_id) == (row.key, 9, run(1).run_id)


async def test_unknown_run_id_is_not_remembered(session: FakeSession) -> None:
    with pytest.raises(NotFound):
        await find_run(session.listing, "ghost")
    assert len(session.history) == 0
