"""Rows of a collection: what stays, what is dropped, what single reads add."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mogplex_tui.api.errors import LoginRequired, NotAllowed, NotFound
from mogplex_tui.api.models.base import BadRow, Rows
from mogplex_tui.api.models.invites import Invite
from mogplex_tui.api.route_access import Family
from mogplex_tui.live.collection import KEPT_SECONDS, Collection, Entry, RowPage, Source
from mogplex_tui.operate import kind_rows, messages
from mogplex_tui.operate.kinds.registry import kinds
from mogplex_tui.operate.model import RenderTime
from mogplex_tui.operate.row_pages import page_of
from tests.unit.fakes import START, FakeSession

INVITE = Invite(id="i1", email="ada@acme.dev", role="viewer")


@dataclass(frozen=True, slots=True)
class Thing:
    """A row with a joined repository name and a log that only single reads return."""

    state: str
    log: str | None = None
    repo_id: str = "r1"
    repo_name: str | None = None


def _source(read: Any) -> Source[Thing]:
    return Source(Family.OTHER, read, poll=90, poll_without_realtime=20)


class FakeList:
    """A collection whose list a test sets."""

    def __init__(self, directory: Path) -> None:
        self.session = FakeSession(directory)
        self.listed: list[Entry[Thing]] = []
        self.total: int | None = None
        self.collection: Collection[Thing] = Collection(
            self.session,
            "things",
            (_source(self._read),),
            join=lambda session: lambda row: replace(row, repo_name=session.names.repo(row.repo_id)),
            merge=lambda listed, single: replace(listed, log=single.log),
        )

    async def _read(self, *_: Any) -> RowPage[Thing]:
        return RowPage(self.listed, self.total)

    @property
    def rows(self) -> dict[str, Entry[Thing]]:
        return self.collection.set.rows

    def shown(self) -> dict[str, str]:
        return {key: entry.row.state for key, entry in self.rows.items() if entry.row is not None}


def thing(number: int, state: str = "running", log: str | None = None) -> Entry[Thing]:
    return Entry(f"t{number}", Thing(state, log), {"from": "list", "state": state})


@pytest.fixture
def fake_list(tmp_path: Path) -> FakeList:
    return FakeList(tmp_path)


async def test_row_outside_the_newest_rows_is_dropped(fake_list: FakeList) -> None:
    fake_list.listed, fake_list.total = [thing(1), thing(2)], 9
    await fake_list.collection.fetch()
    fake_list.listed, fake_list.total = [thing(2, "done"), thing(3)], 10
    assert await fake_list.collection.fetch() is True
    assert fake_list.shown() == {"t2": "done", "t3": "running"}
    assert fake_list.collection.set.total == 10


async def test_older_response_does_not_replace_a_newer_one(fake_list: FakeList) -> None:
    slow = asyncio.Event()

    async def read(*_: Any) -> RowPage[Thing]:
        given = list(fake_list.listed)
        if not slow.is_set():
            slow.set()
            await later.wait()
        return RowPage(given)

    later, fake_list.listed = asyncio.Event(), [thing(1, "on")]
    collection: Collection[Thing] = Collection(fake_list.session, "others", (_source(read),))
    poll = asyncio.create_task(collection.fetch())
    await slow.wait()
    # In between it is switched off and read back.
    fake_list.listed = [thing(1, "off")]
    assert await collection.fetch() is True
    later.set()
    assert await poll is False
    assert collection.set.rows["t1"].row == Thing("off")


async def test_row_read_or_changed_alone_stays_for_a_while(fake_list: FakeList) -> None:
    fake_list.listed, fake_list.total = [thing(1), thing(2)], 9
    await fake_list.collection.fetch()
    fake_list.collection.put(thing(7, "waiting"))
    fake_list.collection.begin("t1", "stopping")
    fake_list.listed = [thing(2), thing(3)]
    await fake_list.collection.fetch()
    assert set(fake_list.shown()) == {"t1", "t2", "t3", "t7"}
    fake_list.collection.end("t1")
    fake_list.session.time.advance(KEPT_SECONDS + 1)
    await fake_list.collection.fetch()
    assert set(fake_list.shown()) == {"t2", "t3"}


async def test_row_missing_from_complete_list_is_forgotten(fake_list: FakeList) -> None:
    fake_list.listed = [thing(1), thing(2)]
    await fake_list.collection.fetch()
    fake_list.collection.put(thing(1, log="long"))
    fake_list.listed = [thing(2)]
    await fake_list.collection.fetch()
    assert set(fake_list.shown()) == {"t2"}
    fake_list.listed = [thing(1), thing(2)]
    await fake_list.collection.fetch()
    row = fake_list.rows["t1"].row
    assert row is not None and row.log is None


async def test_json_of_a_record_is_as_new_as_its_row(fake_list: FakeList) -> None:
    def shown() -> tuple[Any, Any]:
        return fake_list.rows["t1"].row, fake_list.rows["t1"].raw

    fake_list.listed = [thing(1)]
    await fake_list.collection.fetch()
    fake_list.session.names.repos["r1"] = "acme/web"
    fake_list.session.names.changed()
    assert shown() == (Thing("running", repo_name="acme/web"), fake_list.listed[0].raw)
    fake_list.collection.put(Entry("t1", Thing("running", "long"), {"from": "detail"}))
    await fake_list.collection.fetch()
    assert shown() == (Thing("running", "long", repo_name="acme/web"), {"from": "detail"})
    # A newer row of the list brings its own JSON.
    fake_list.listed = [thing(1, "done")]
    await fake_list.collection.fetch()
    assert shown() == (Thing("done", "long", repo_name="acme/web"), {"from": "list", "state": "done"})


async def test_rows_of_a_closed_source_stay_and_are_stale(
    fake_list: FakeList, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_list.listed = [thing(1, "new")]
    await fake_list.collection.fetch()
    source = fake_list.collection.sources[0]

    async def refuse(*_: Any) -> RowPage[Thing]:
        monkeypatch.setattr(fake_list.session, "may_request", lambda _: False)
        raise LoginRequired("The things need a browser session")

    fake_list.collection.sources = (replace(source, read=refuse),)
    with pytest.raises(LoginRequired):
        await fake_list.collection.fetch()
    with pytest.raises(NotAllowed):
        await fake_list.collection.fetch()
    assert fake_list.shown() == {"t1": "new"}
    monkeypatch.undo()
    fake_list.collection.sources = (source,)
    assert await fake_list.collection.fetch() is False


def test_unreadable_records_have_unique_keys() -> None:
    rows = Rows(["a"], [BadRow({"id": name}, "why") for name in ("a", 7, 7)])
    page = page_of(rows, lambda text: text, lambda text: text)
    assert [entry.key for entry in page.entries] == ["a", "unreadable 0", "7", "unreadable 2"]


def test_every_kind_marks_an_unreadable_record_at_any_width() -> None:
    for name, kind in kinds().items():
        entry: Entry[Any] = Entry("x", None, {}, "name: not a text")
        texts = [text for text, _ in kind_rows.cells(kind, entry, RenderTime(START))]
        [place] = [at for at, text in enumerate(texts) if "unreadable" in text]
        column = kind.columns[place]
        layout = column.layout
        assert layout.priority == 0, name
        assert (layout.min_width or layout.width) >= len("▫ unreada…"), name
        # Kinds with a wide column show the reason in it.
        says_why = any("name: not a text" in text for text in texts)
        assert not layout.flex or layout.cut == "middle" or says_why, name
        assert sum("name: not a text" in text for text in texts) <= 1, name
        named: Entry[Any] = Entry("x", None, {"name": "Its name"}, "id: not a text")
        assert kind_rows.name_of(kind, named) == "Its name"
        # Kinds with a column for errors mark the state.
        if name in ("jobs", "sandboxes", "automations", "connections"):
            assert column.format.is_state and texts[place] == "▫ unreadable", name


async def test_unreadable_rows_of_two_lists_are_two_rows(fake_list: FakeList) -> None:
    fake_list.listed = [Entry("unreadable 0", None, name, "why") for name in ("one list", "another")]
    await fake_list.collection.fetch()
    assert [entry.raw for entry in fake_list.rows.values()] == ["one list", "another"]


class Teams:
    """Two teams; this account may not see the members of the first."""

    def __init__(self, *, other: Exception | None) -> None:
        self._rosters: dict[str, Any] = {
            "t1": NotAllowed("Members of t1 are not shown", status=403),
            "t2": other,
        }
        self.teams = self

    async def memberships(self) -> Any:
        return SimpleNamespace(
            teams=[SimpleNamespace(id=team, slug=team, name=team) for team in self._rosters]
        )

    async def members(self, team: str) -> Any:
        if self._rosters[team] is not None:
            raise self._rosters[team]
        return SimpleNamespace(
            viewer=SimpleNamespace(can_manage=False), members=Rows(), invites=Rows([INVITE])
        )


async def test_notice_names_team_whose_members_are_hidden(fake_list: FakeList) -> None:
    read = kinds()["members"].sources[0].read
    page = await read(Teams(other=None), fake_list.session)  # type: ignore[arg-type]
    assert (
        [entry.key for entry in page.entries],
        "Members of t1" in messages.notices_text(page.notices),
    ) == (
        ["t2/i1"],
        True,
    )
    with pytest.raises(NotAllowed, match="Members of t1"):
        await read(Teams(other=NotFound("gone")), fake_list.session)  # type: ignore[arg-type]
