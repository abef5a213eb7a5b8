"""Lists made of several parts, some of which fail or are closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from mogplex_tui.api.errors import LoginRequired, ServiceFailed
from mogplex_tui.api.route_access import Family
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.live.collection import Collection, Source
from mogplex_tui.live.reasons import Subject
from mogplex_tui.live.session import Session
from mogplex_tui.operate import messages
from mogplex_tui.operate.combined_reads import ColumnPart, ListPart, in_parts, read_columns
from mogplex_tui.operate.model import Entry, RowPage

FAILED = ServiceFailed("The service failed.", resource="questions", status=500)
CLOSED = LoginRequired("no", resource="questions", status=307)


@dataclass(frozen=True, slots=True)
class Question:
    """A row."""

    id: str


class Route:
    """A route that returns rows, or an error if one is set."""

    def __init__(self, *ids: str) -> None:
        self.ids = ids
        self.error: Exception | None = None

    async def read(self, _: object, __: object) -> RowPage[Question]:
        if self.error is not None:
            raise self.error
        return RowPage([Entry(each, Question(each)) for each in self.ids])


def _collection(session: Session, *routes: Route) -> Collection[Any]:
    parts = [
        ListPart(f"part {number}", Subject(f"part {number}", is_plural=False), route.read)
        for number, route in enumerate(routes)
    ]
    read = in_parts("questions", *parts)

    return Collection(session, "questions", (Source(Family.FLOWS, read, poll=15, poll_without_realtime=10),))


@pytest.fixture
def session() -> Session:
    return Session(Target("t", "http://127.0.0.1:9", Secret("mog_t"), Secret("s=1")))


async def test_rows_of_a_failing_part_stay_and_are_stale(session: Session) -> None:
    first, second = Route("a"), Route("b", "c")
    collection = _collection(session, first, second)
    await collection.fetch()
    second.error, first.ids = FAILED, ("a", "d")
    await collection.fetch()
    assert set(collection.set.rows) == {"a", "b", "c", "d"}
    sources = collection.set.sources
    assert not sources["part 0"].failing
    assert sources["part 1"].freshness.error is FAILED
    assert sources["part 1"].keys == {"b", "c"}


async def test_list_fails_when_no_part_can_be_read(session: Session) -> None:
    first, second = Route("a"), Route()
    collection = _collection(session, first, second)
    first.error = FAILED
    with pytest.raises(ServiceFailed):
        await collection.fetch()
    first.error = second.error = CLOSED
    with pytest.raises(LoginRequired):
        await collection.fetch()


async def test_closed_part_of_a_list_is_a_notice(session: Session) -> None:
    first, second = Route("a"), Route("b")
    collection = _collection(session, first, second)
    second.error = CLOSED
    await collection.fetch()
    assert set(collection.set.rows) == {"a"}
    assert "Part 1 is not shown." in messages.notices_text(collection.set.notices)
    assert set(collection.set.sources) == {"part 0"}


async def test_failing_columns_keep_their_last_response(session: Session) -> None:
    part = ColumnPart("today", Subject("what each did today", is_plural=False), ("runs",))

    async def answer(value: int | Exception) -> int:
        if isinstance(value, Exception):
            raise value
        return value

    found = [await read_columns(session, "questions", part, answer(each), 0) for each in (FAILED, 7, FAILED)]
    assert found == [0, 7, 7]
    assert session.store.set("questions").sources["today"].columns == {"runs"}
