"""Execution of actions: idempotency keys, results and read-back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import Conflict, ServiceFailed, Unreachable
from mogplex_tui.api.route_access import Family
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.live.collection import Collection, Entry, RowPage, Source
from mogplex_tui.live.session import Session
from mogplex_tui.operate import executor, formatting
from mogplex_tui.operate.kind_rows import new_collection
from mogplex_tui.operate.model import Action, Change, Creation, Kind, Parameter, Result, Values


@dataclass(frozen=True)
class Thing:
    """The row of a record."""

    id: str
    state: str = "idle"
    text: str = ""


ENTRY = Entry("k1", Thing("k1"))
TEXT = Parameter("text", "a text", str)


class Service:
    """Answers requests in turn and records what was sent."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.sent = list(answers), list[tuple[str, str]]()

    async def request(self, change: Change[Thing]) -> Any:
        self.sent.append((change.values[TEXT], change.idempotency_key))
        return self._answer()

    async def create(self, _: Any, __: Values) -> Any:
        return self._answer()

    def _answer(self) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def session() -> Session:
    return Session(Target("t", "http://127.0.0.1:9", None))


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "READ_BACK_DELAYS", (0.0,))


async def _listed(_: Any, __: Session) -> RowPage[Thing]:
    return RowPage([ENTRY])


def _kind(service: Service, read: Any = _listed, **more: Any) -> tuple[Kind[Thing], Action[Thing]]:
    kind = Kind[Thing](
        name="things",
        title="Things",
        noun="thing",
        aliases=(),
        contract="",
        sources=(Source(Family.OTHER, read, poll=90, poll_without_realtime=20),),
        columns=(),
        label=lambda row: row.id,
        default_sort=lambda _: (),
        facts=(),
        empty="",
        needs=None,
    )
    action = Action(
        "go", "g", "Go.", service.request, "going", (Family.OTHER,), sends_idempotency_key=True, **more
    )
    return kind, action


async def _carry(session: Session, service: Service, text: str = "", read: Any = _listed, **more: Any) -> Any:
    kind, action = _kind(service, read, **more)
    values = Values({"text": text})
    return await executor.run_action(session, new_collection(session, kind), kind, action, ENTRY, values)


async def test_action_without_response_is_retried_with_its_key(
    session: Session,
) -> None:
    lost = Unreachable("gone", resource="it")
    service = Service(lost, lost, "done", "done", "done")
    for text in ("a", "b", "a", "a", "c"):
        await _carry(session, service, text)
    keys = [key for _, key in service.sent]
    assert keys[2] == keys[0]
    assert len({keys[0], keys[1], keys[3], keys[4]}) == 4


async def test_given_key_is_in_ledger_before_the_request(
    tmp_path: Path,
) -> None:
    session = Session(Target("t", "http://127.0.0.1:9", None), directory=tmp_path)
    sent: list[tuple[str, bool, str | None]] = []

    async def request(change: Change[Thing]) -> Any:
        sent.append((change.idempotency_key, change.is_retry, session.ledger.entries[-1].key))
        raise Unreachable("gone", resource="it")

    kind, action = _kind(Service())
    for _ in range(2):
        outcome = await executor.run_action(
            session,
            new_collection(session, kind),
            kind,
            replace(action, request=request),
            ENTRY,
            idempotency_key="mine",
            how_to_repeat="Give {key} again.",
        )
    assert sent == [("mine", False, "mine"), ("mine", True, "mine")]
    assert outcome.sentence.endswith("Give mine again.")


async def test_refused_action_is_repeated_with_a_new_key(session: Session) -> None:
    service = Service(Conflict("no", resource="it", status=409), "done")
    await _carry(session, service)
    await _carry(session, service)
    assert service.sent[0][1] != service.sent[1][1]


async def test_response_can_be_a_failure(session: Session) -> None:
    outcome = await _carry(session, Service(Result(False, "{} is unwell.")))
    assert (outcome.is_success, outcome.sentence) == (False, "Thing k1 is unwell.")


async def test_braces_in_service_messages_are_kept(session: Session) -> None:
    outcome = await _carry(session, Service(Result(False, "{} does not work: bad body {{}}.")))
    assert outcome.sentence == "Thing k1 does not work: bad body {}."


async def test_list_read_keeps_details_of_a_single_read(session: Session) -> None:
    async def read(_: Any, __: Session) -> RowPage[Thing]:
        return RowPage([Entry("k1", Thing("k1", "busy"))])

    collection = Collection(
        session,
        "things",
        (Source(Family.OTHER, read, poll=90, poll_without_realtime=20),),
        merge=lambda listed, single: replace(listed, text=single.text),
    )
    await collection.fetch()
    collection.put(Entry("k1", Thing("k1", "idle", "hello")))
    assert collection.set.rows["k1"].row == Thing("k1", "idle", "hello")
    await collection.fetch()
    assert collection.set.rows["k1"].row == Thing("k1", "busy", "hello")


async def test_read_back_has_priority_of_an_action(session: Session) -> None:
    asked: list[Priority] = []

    async def read(client: Any, _: Session) -> RowPage[Thing]:
        asked.append(client.priority)
        return RowPage([ENTRY])

    await _carry(session, Service("done"), read=read)
    assert asked == [Priority.ACTION]


@pytest.mark.parametrize(
    ("answer", "readings"),
    [
        (Conflict("no", resource="it", status=409), 1),
        (ServiceFailed("broken", resource="it", status=500), 3),
        (Unreachable("gone", resource="it"), 3),
        ("done", 3),
    ],
    ids=str,
)
async def test_refused_action_is_read_back_once(
    session: Session, monkeypatch: pytest.MonkeyPatch, answer: Any, readings: int
) -> None:
    monkeypatch.setattr(executor, "READ_BACK_DELAYS", (0.0, 0.0, 0.0))
    asked = 0

    async def read(_: Any, __: Session) -> RowPage[Thing]:
        nonlocal asked
        asked += 1
        return RowPage([ENTRY])

    kind, action = _kind(Service(answer), read)
    collection = new_collection(session, kind)
    await collection.fetch()
    asked = 0
    await executor.run_action(session, collection, kind, action, ENTRY)
    assert asked == readings


async def test_bulk_action_reads_back_at_lower_priority(session: Session) -> None:
    asked: list[Priority] = []
    entries = [Entry(f"k{number}", Thing(f"k{number}")) for number in range(3)]

    async def read(client: Any, _: Session) -> RowPage[Thing]:
        asked.append(client.priority)
        return RowPage(entries)

    kind, action = _kind(Service("done", "done", "done"), read)
    things = new_collection(session, kind)
    outcome = await executor.run_bulk_action(session, things, kind, action, entries)
    assert (outcome.is_success, outcome.sentence) == (True, "Go: 3 of 3 done.")
    assert asked == [Priority.TABLE, Priority.TABLE, Priority.ACTION]


async def test_secret_is_returned_when_read_back_fails(session: Session) -> None:
    async def read(_: Any, __: Session) -> RowPage[Thing]:
        raise RuntimeError("a fault of the console")

    answer = Result(True, "{} is created.", Secret("k3y"))
    outcome = await _carry(session, Service(answer), read=read, reveals=True)
    assert outcome.is_success and outcome.secret.reveal() == "k3y"


@pytest.mark.parametrize(
    ("code", "metadata", "text"),
    [
        (None, {}, ""),
        ("ACTIVE_DUPLICATE", {}, "the same work is already queued or running"),
        ("IDEMPOTENT_DUPLICATE", {"review_dedup_key": "k"}, formatting.REASONS["DUPLICATE_PR_HEAD_SHA"]),
        ("SKIPPED_DRAFT_PR", {}, "skipped draft pr"),
        ("Runtime rejected the task", {}, "Runtime rejected the task"),
    ],
)
def test_reason_is_formatted(code: str | None, metadata: dict[str, object], text: str) -> None:
    assert formatting.reason(code, metadata) == text


async def test_unsent_creation_is_refused_without_a_secret() -> None:
    session = Session(None)
    kind, _ = _kind(Service())
    new = Creation(
        "new", "n", "New.", (), lambda _: "k1", Service().create, "making", (Family.OTHER,), reveals=True
    )
    entry = executor.new_entry(new, executor.NO_VALUES)
    outcome = await executor.run_action(session, new_collection(session, kind), kind, new, entry)
    assert [entry.state for entry in session.ledger.entries] == ["sent", "refused"]
    assert "There is no connection" in outcome.sentence
    assert "remove it" not in outcome.sentence
