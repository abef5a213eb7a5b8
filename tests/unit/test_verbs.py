"""Verbs: what is sent under which key, and what an answer comes to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.api.access import Family
from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import Conflict, ServiceFailed, Unreachable
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.live.collection import Collection, Item, Listing, Road
from mogplex_tui.live.session import Session
from mogplex_tui.operate import executor, words
from mogplex_tui.operate.kinds.base import Kind
from mogplex_tui.operate.kinds.verb import Verb

ITEM = Item("k1", {"id": "k1", "state": "idle"})


class Service:
    """Answers each call in turn and remembers what it was sent."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.sent = list(answers), list[tuple[str, str]]()

    async def call(self, _: Any, __: Item, text: str, key: str, ___: bool) -> Any:
        self.sent.append((text, key))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def session() -> Session:
    return Session(Target("t", "http://127.0.0.1:9", None))


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "READ_BACK", (0.0,))


async def _listed(_: Any, __: Session) -> Listing:
    return Listing([ITEM])


def _made(service: Service, read: Any, **more: Any) -> tuple[Kind, Verb]:
    kind = Kind(
        "things", "Things", "thing", (), lambda _: {}, lambda _: (), roads=(Road(Family.OTHER, read),)
    )
    return kind, Verb("go", "go", "g", "Go.", service.call, keyed=True, **more)


async def _carry(session: Session, service: Service, text: str = "", read: Any = _listed, **more: Any) -> Any:
    kind, verb = _made(service, read, **more)
    return await executor.carry_out(
        session, Collection(session, "things", kind.roads), kind, verb, ITEM, text
    )


async def test_a_call_without_an_answer_is_tried_again_under_its_key_and_any_other_under_a_new_one(
    session: Session,
) -> None:
    lost = Unreachable("gone", resource="it")
    service = Service(lost, lost, "done", "done", "done")
    for text in ("a", "b", "a", "a", "c"):
        await _carry(session, service, text)
    keys = [key for _, key in service.sent]
    assert keys[2] == keys[0]
    assert len({keys[0], keys[1], keys[3], keys[4]}) == 4


async def test_given_idempotency_key_is_in_the_ledger_before_the_request_and_a_second_try_is_a_retry(
    tmp_path: Path,
) -> None:
    session = Session(Target("t", "http://127.0.0.1:9", None), directory=tmp_path)
    sent: list[tuple[str, bool, str | None]] = []

    async def call(_: Any, __: Item, ___: Any, key: str, is_retry: bool) -> Any:
        sent.append((key, is_retry, session.ledger.entries[-1].key))
        raise Unreachable("gone", resource="it")

    kind, verb = _made(Service(), _listed)
    verb = replace(verb, call=call)
    for _ in range(2):
        outcome = await executor.carry_out(
            session,
            Collection(session, "things", kind.roads),
            kind,
            verb,
            ITEM,
            idempotency_key="mine",
            how_to_repeat="Give {key} again.",
        )
    assert sent == [("mine", False, "mine"), ("mine", True, "mine")]
    assert outcome.sentence.endswith("Give mine again.")


async def test_a_refused_call_has_used_its_key(session: Session) -> None:
    service = Service(Conflict("no", resource="it", status=409), "done")
    await _carry(session, service)
    await _carry(session, service)
    assert service.sent[0][1] != service.sent[1][1]


async def test_an_answer_can_be_bad_news(session: Session) -> None:
    outcome = await _carry(
        session, Service({"well": False}), told=lambda answer: (answer["well"], "{} is unwell.")
    )
    assert (outcome.good, outcome.sentence) == (False, "Thing k1 is unwell.")


async def test_braces_in_what_the_service_says_are_its_own(session: Session) -> None:
    outcome = await _carry(
        session, Service("bad body {}"), told=lambda answer: (False, f"{{}} does not work: {answer}.")
    )
    assert outcome.sentence == "Thing k1 does not work: bad body {}."


async def test_a_record_read_by_itself_keeps_what_it_says_beyond_the_list(session: Session) -> None:
    async def read(_: Any, __: Session) -> Listing:
        return Listing([Item("k1", {"id": "k1", "state": "busy"})])

    collection = Collection(session, "things", (Road(Family.OTHER, read),))
    await collection.fetch()
    collection.put(Item("k1", {"id": "k1", "state": "idle", "said": ["hello"]}))
    assert collection.set.rows["k1"].record == {"id": "k1", "state": "idle", "said": ["hello"]}
    await collection.fetch()
    assert collection.set.rows["k1"].record == {"id": "k1", "state": "busy", "said": ["hello"]}


async def test_what_a_change_came_to_is_read_however_much_of_the_budget_is_used(session: Session) -> None:
    asked: list[Priority] = []

    async def read(client: Any, _: Session) -> Listing:
        asked.append(client.priority)
        return Listing([ITEM])

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
async def test_what_was_plainly_refused_is_read_back_once(
    session: Session, monkeypatch: pytest.MonkeyPatch, answer: Any, readings: int
) -> None:
    monkeypatch.setattr(executor, "READ_BACK", (0.0, 0.0, 0.0))
    asked = 0

    async def read(_: Any, __: Session) -> Listing:
        nonlocal asked
        asked += 1
        return Listing([ITEM])

    collection = Collection(session, "things", (Road(Family.OTHER, read),))
    await collection.fetch()
    kind, verb = _made(Service(answer), read)
    asked = 0
    await executor.carry_out(session, collection, kind, verb, ITEM)
    assert asked == readings


async def test_of_several_changes_none_waits_behind_what_is_read_after_the_others(session: Session) -> None:
    asked: list[Priority] = []

    async def read(client: Any, _: Session) -> Listing:
        asked.append(client.priority)
        return Listing([Item(f"k{number}", {"id": f"k{number}"}) for number in range(3)])

    kind, verb = _made(Service("done", "done", "done"), read)
    things = Collection(session, "things", kind.roads)
    items = [Item(f"k{number}", {"id": f"k{number}"}) for number in range(3)]
    outcome = await executor.carry_out_all(session, things, kind, verb, items)
    assert (outcome.good, outcome.sentence) == (True, "Go: 3 of 3 done.")
    assert asked == [Priority.TABLE, Priority.TABLE, Priority.ACTION]


async def test_a_secret_is_told_even_where_reading_back_breaks_off(session: Session) -> None:
    async def read(_: Any, __: Session) -> Listing:
        raise RuntimeError("a fault of the console")

    outcome = await _carry(session, Service("k3y"), read=read, secret=Secret)
    assert outcome.good and outcome.secret.reveal() == "k3y"


@pytest.mark.parametrize(
    ("code", "metadata", "told"),
    [
        (None, {}, ""),
        ("ACTIVE_DUPLICATE", {}, "the same work is waiting or running already"),
        ("IDEMPOTENT_DUPLICATE", {"review_dedup_key": "k"}, words.REASONS["DUPLICATE_PR_HEAD_SHA"]),
        ("SKIPPED_DRAFT_PR", {}, "skipped draft pr"),
        ("Runtime rejected the task", {}, "Runtime rejected the task"),
    ],
)
def test_a_reason_is_told_in_words(code: str | None, metadata: dict[str, object], told: str) -> None:
    assert words.reason(code, metadata) == told


async def test_what_never_left_was_refused_and_left_no_secret_behind() -> None:
    session, service = Session(None), Service()
    outcome = await _carry(session, service, new=True, secret=lambda made: made)
    assert [entry.state for entry in session.ledger.entries] == ["sent", "refused"]
    assert "There is no connection" in outcome.sentence
    assert "remove it" not in outcome.sentence
