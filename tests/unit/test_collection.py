"""The rows of a kind: what a list of the newest pushes out, and what a record read by itself leaves behind."""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mogplex_tui.api.access import Family
from mogplex_tui.api.errors import LoginRequired, NotAllowed, NotFound
from mogplex_tui.api.models.base import BadRow, Rows
from mogplex_tui.api.models.invites import Invite
from mogplex_tui.live.collection import BESIDE, Collection, Item, Listing, Road, items_of
from mogplex_tui.operate.kinds import Context
from mogplex_tui.operate.kinds.registry import kinds
from tests.unit.fakes import START, FakeSession

INVITE = Invite(id="i1", email="ada@acme.dev", role="viewer")


class World:
    """A kind whose list a test writes by hand."""

    def __init__(self, directory: Path) -> None:
        self.session = FakeSession(directory)
        self.given: list[Item] = []
        self.total: int | None = None
        self.collection = Collection(self.session, "things", (Road(Family.OTHER, self._read),))

    async def _read(self, *_: Any) -> Listing:
        return Listing(self.given, self.total)

    def shown(self) -> dict[str, Any]:
        return {key: item.record["state"] for key, item in self.collection.set.rows.items()}


def thing(number: int, state: str = "running", **more: Any) -> Item:
    record = {"state": state, **more}
    return Item(f"t{number}", record, {"from": "list", **record})


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_what_the_newest_pushed_out_is_not_shown_as_it_once_was(world: World) -> None:
    world.given, world.total = [thing(1), thing(2)], 9
    await world.collection.fetch()
    world.given, world.total = [thing(2, "done"), thing(3)], 10
    assert await world.collection.fetch() is True
    assert world.shown() == {"t2": "done", "t3": "running"}
    assert world.collection.set.total == 10


async def test_an_answer_that_was_asked_for_before_another_one_does_not_undo_it(world: World) -> None:
    slow = asyncio.Event()

    async def read(*_: Any) -> Listing:
        given = list(world.given)
        if not slow.is_set():
            slow.set()
            await later.wait()
        return Listing(given)

    later, world.given = asyncio.Event(), [thing(1, "on")]
    collection = Collection(world.session, "others", (Road(Family.OTHER, read),))
    poll = asyncio.create_task(collection.fetch())
    await slow.wait()
    # Meanwhile it was switched off, and read back.
    world.given = [thing(1, "off")]
    assert await collection.fetch() is True
    later.set()
    assert await poll is False
    assert collection.set.rows["t1"].record == {"state": "off"}


async def test_a_record_that_is_looked_at_stays_beside_the_newest(world: World) -> None:
    world.given, world.total = [thing(1), thing(2)], 9
    await world.collection.fetch()
    world.collection.put(thing(7, "waiting"))
    world.collection.begin("t1", "stopping")
    world.given = [thing(2), thing(3)]
    await world.collection.fetch()
    assert set(world.shown()) == {"t1", "t2", "t3", "t7"}
    world.collection.done("t1")
    world.session.time.advance(BESIDE + 1)
    await world.collection.fetch()
    assert set(world.shown()) == {"t2", "t3"}


async def test_a_whole_list_takes_out_what_is_gone_and_all_that_was_known_of_it(world: World) -> None:
    world.given = [thing(1), thing(2)]
    await world.collection.fetch()
    world.collection.put(thing(1, log="long"))
    world.given = [thing(2)]
    await world.collection.fetch()
    assert set(world.shown()) == {"t2"}
    world.given = [thing(1), thing(2)]
    await world.collection.fetch()
    assert "log" not in world.collection.set.rows["t1"].record


async def test_the_json_of_a_record_is_never_older_than_its_row(world: World) -> None:
    world.given = [thing(1)]
    await world.collection.fetch()
    world.collection.put(Item("t1", {"state": "running", "log": "long"}, {"from": "detail"}))
    await world.collection.fetch()
    row = world.collection.set.rows["t1"]
    assert (row.raw, row.record["log"]) == ({"from": "detail"}, "long")
    world.given = [thing(1, "done")]
    await world.collection.fetch()
    row = world.collection.set.rows["t1"]
    assert row.raw == {"from": "list", "state": "done"}
    assert (row.record["state"], row.record["log"]) == ("done", "long")


async def test_rows_whose_road_was_closed_stay_and_are_not_called_fresh(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.given = [Item("a", {"state": "new"})]
    await world.collection.fetch()
    road = world.collection.roads[0]

    async def refuse(*_: Any) -> Listing:
        monkeypatch.setattr(world.session, "open", lambda _: False)
        raise LoginRequired("The things need a browser session")

    world.collection.roads = (road._replace(read=refuse),)
    with pytest.raises(LoginRequired):
        await world.collection.fetch()
    with pytest.raises(NotAllowed):
        await world.collection.fetch()
    assert world.shown() == {"a": "new"}
    monkeypatch.undo()
    world.collection.roads = (road,)
    assert await world.collection.fetch() is False


def test_rows_that_cannot_be_read_never_stand_in_the_place_of_others() -> None:
    rows = Rows(["a"], [BadRow({"id": name}, "why") for name in ("a", 7, 7)])
    assert [item.key for item in items_of(rows, str)] == ["a", "unreadable 0", "7", "unreadable 2"]


def test_of_every_kind_a_row_that_cannot_be_read_says_so_once_where_no_width_drops_it() -> None:
    for name, kind in kinds().items():
        if name == "runs":
            continue
        told = [text for text, _ in kind.cells(Item("x", None, {}, "name: not a text"), Context(START))]
        [place] = [at for at, text in enumerate(told) if "unreadable" in text]
        field = kind.fields[place]
        assert field.priority == 0, name
        assert (field.min_width or field.width) >= len("▫ unreada…"), name
        # Why stands in the row where there is a column for a sentence.
        assert not field.flex or field.cut == "middle" or any("name: not a text" in each for each in told), (
            name
        )
        assert sum("name: not a text" in each for each in told) <= 1, name
        assert kind.name_of(Item("x", None, {"name": "Its name"}, "id: not a text")) == "Its name"
        # Where a column of its own says why, it is told as the state.
        if name in ("jobs", "sandboxes", "automations", "connections"):
            assert field.stands and told[place] == "▫ unreadable", name


async def test_two_rows_of_two_lists_that_cannot_be_read_are_two_rows(world: World) -> None:
    world.given = [Item("unreadable 0", None, {"from": name}, "why") for name in ("one list", "another")]
    await world.collection.fetch()
    raws = [item.raw["from"] for item in world.collection.set.rows.values()]
    assert raws == ["one list", "another"]


class Teams:
    """Two teams, of which the first shows its members to nobody here."""

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

    async def roster(self, team: str) -> Any:
        if self._rosters[team] is not None:
            raise self._rosters[team]
        return SimpleNamespace(
            viewer=SimpleNamespace(can_manage=False), members=Rows(), invites=Rows([INVITE])
        )


async def test_a_team_that_does_not_show_its_members_is_told_of_and_is_not_no_team(world: World) -> None:
    read = kinds()["members"].roads[0].read
    listing = await read(Teams(other=None), world.session)  # type: ignore[arg-type]
    assert ([item.key for item in listing.items], "Members of t1" in listing.notice) == (["t2/i1"], True)
    with pytest.raises(NotAllowed, match="Members of t1"):
        await read(Teams(other=NotFound("gone")), world.session)  # type: ignore[arg-type]


async def test_rows_that_were_read_before_the_names_are_named_when_those_come(world: World) -> None:
    world.given = [
        thing(1, repo_id="r1", repo_name=None, agent_id="a1", agent_name=None),
        thing(2, repo_id="r2", repo_name="acme/web", agent_id=None, agent_name=None),
    ]
    await world.collection.fetch()
    names = world.session.names
    names.repos.update({"r1": "acme/api", "r2": "acme/renamed"})
    names.agents["a1"] = "Reviewer"
    names.changed()
    rows = {key: item.record for key, item in world.collection.set.rows.items()}
    assert (rows["t1"]["repo_name"], rows["t1"]["agent_name"]) == ("acme/api", "Reviewer")
    assert (rows["t2"]["repo_name"], rows["t2"]["agent_name"]) == ("acme/web", None)


@dataclass(frozen=True, slots=True)
class TypedRow:
    state: str
    repo_id: str = "r1"
    repo_name: str | None = None
    detail: str | None = None


async def test_a_typed_row_keeps_what_was_joined_and_what_it_said_when_read_by_itself(tmp_path: Path) -> None:
    session = FakeSession(tmp_path)
    given = [Item("t1", TypedRow("on"), {"from": "list"})]

    async def read(*_: Any) -> Listing:
        return Listing(given)

    collection = Collection(
        session,
        "typed",
        (Road(Family.OTHER, read),),
        join=lambda session: lambda row: dataclasses.replace(row, repo_name=session.names.repo(row.repo_id)),
        merge=lambda listed, single: dataclasses.replace(listed, detail=single.detail),
    )

    def shown() -> tuple[Any, Any]:
        return collection.set.rows["t1"].record, collection.set.rows["t1"].raw

    await collection.fetch()
    assert shown() == (TypedRow("on"), {"from": "list"})
    session.names.repos["r1"] = "acme/web"
    session.names.changed()
    assert shown() == (TypedRow("on", repo_name="acme/web"), {"from": "list"})
    collection.put(Item("t1", TypedRow("on", detail="whole"), {"from": "single"}))
    await collection.fetch()
    assert shown() == (TypedRow("on", repo_name="acme/web", detail="whole"), {"from": "single"})
    # A newer row of the list: its JSON is the newer one.
    given[0] = Item("t1", TypedRow("off"), {"from": "list"})
    await collection.fetch()
    assert shown() == (TypedRow("off", repo_name="acme/web", detail="whole"), {"from": "list"})
