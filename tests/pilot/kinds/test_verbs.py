"""Every verb of every kind on the embedded plane: done, refused in every way, and with its answer lost.

What is on the screen afterwards is what a reading says, and the ledger has the call with its end. Verbs are taken from
the registry; the table below says only what some of them need before a record can be found that they make sense for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import NotAllowed
from mogplex_tui.api.retry import MAX_ATTEMPTS
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.controlplane.core.plane import Plane
from mogplex_tui.controlplane.core.plane import Settings as PlaneSettings
from mogplex_tui.controlplane.faults.rules import parse
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.live.collection import Entry
from mogplex_tui.live.names import read_names
from mogplex_tui.live.session import Session
from mogplex_tui.operate import action_registry, executor, kind_rows
from mogplex_tui.operate.kind_rows import collection_of
from mogplex_tui.operate.kinds.registry import kinds
from mogplex_tui.operate.model import Action, AnyAction, AnyKind, Creation, Values
from mogplex_tui.screens.command_palette import entries_of
from mogplex_tui.widgets.line_table import LineTable
from tests.pilot.kinds.records import changed, fields_of
from tests.pilot.kinds.walking import (
    Service,
    collection_in,
    console_at,
    headings,
    heard,
    plane_of,
    resized,
    soon,
)

WRITES = "POST,PUT,PATCH,DELETE"
REFUSALS = (403, 404, 409, 410, 422, 429, 500)
EVERY_VERB = [(kind, verb) for kind in kinds().values() for verb in kind.all_actions]
SETTINGS = PlaneSettings(speed=0, rate_limit=None, fault_route=True)


def _sql(statement: str) -> Callable[[Plane], None]:
    def change(plane: Plane) -> None:
        with plane.db.transaction() as tx:
            tx.execute(statement)

    return change


# What has to be so before a verb makes sense, where the seed has no such record.
_ROOM = _sql("UPDATE sandboxes SET status = 'stopped' WHERE status = 'running'")
NEEDED: dict[str, Callable[[Plane], None]] = {
    "sandboxes.resume": _ROOM,
    "sandboxes.restart": _ROOM,
    "sandboxes.launch": _sql("UPDATE sandboxes SET status = 'stopped'"),
}
# Which of the records that a verb makes sense for is taken, where the service has more to say than the record.
CHOSEN: dict[str, Callable[[Any], bool]] = {
    "automations.publish": lambda record: record.published_version_id,
}
# Where the one call is no writing method.
SENT = dict.fromkeys(("installations.sync", "projects.sync"), "GET /api/github/repos")
# To end what has ended is no error (identity.md §4, projects.md §3.6).
GONE_IS_FINE = frozenset({"api-keys.revoke", "projects.delete"})
# After these the list may read as before.
SAME_AFTER = frozenset({"extend", "restart"})
# What a person types, where a verb asks and offers nothing to choose from and nothing stands there already.
TYPED: dict[str, Values] = {
    "agents.create": Values({"name": "Scribe", "model": "acme/nova-1", "category": "api"}),
    "api-keys.create": Values({"name": "ci", "scopes": "read", "days": "90"}),
    "projects.import": Values({"full_name": "acme/new-service"}),
}
# What a person types into some fields of a form.
TYPED_FIELDS = {
    "agents.update": {"description": "Writes it down."},
    "sandboxes.launch": {"base": "", "branch": "topic", "new_branch": "yes"},
}


# Those whose sentence and effect depend on the answer.
TELL = frozenset(
    {
        "automations.trigger",
        "automations.test",
        "automations.duplicate",
        "connections.test",
        "installations.sync",
        "jobs.repair",
        "jobs.requeue",
        "projects.import",
        "projects.sync",
        "provider-keys.verify",
        "sandboxes.extend",
        "sandboxes.launch",
        "sandboxes.reconcile",
        "sandboxes.restart",
        "sandboxes.resume",
        "sandboxes.stop",
        "sandboxes.delete",
    }
)


def _sends_key(verb: AnyAction) -> bool:
    return isinstance(verb, Action) and verb.sends_idempotency_key


def _name(kind: AnyKind, verb: AnyAction) -> str:
    return f"{kind.name}.{verb.id}"


def _sent(kind: AnyKind, verb: AnyAction) -> str:
    return SENT.get(_name(kind, verb), f"{WRITES} /api/*")


def _id(each: object) -> str:
    return getattr(each, "name", None) or getattr(each, "id", None) or str(each)


async def no_pause(_: float, __: asyncio.Event | None = None) -> None:
    """Wait for no rate limit."""
    await asyncio.sleep(0)


class Bench:
    """A session on a plane, without a screen: the rows of one kind and what is done to them."""

    def __init__(self, server: PlaneServer, session: Session, kind: AnyKind) -> None:
        self.server, self.session, self.kind = server, session, kind
        self.collection = collection_of(session, kind)

    def fault(self, *rules: str) -> None:
        """Let these rules hold, and no other."""
        faults = self.server.plane.faults
        assert faults is not None
        faults.clear()
        for rule in rules:
            faults.add(parse(rule))

    @property
    def fired(self) -> int:
        """How often the present rules have struck."""
        faults = self.server.plane.faults
        return sum(active.fired for active in faults.active) if faults is not None else 0

    async def item(self, verb: AnyAction) -> Entry[Any]:
        """A record that the verb makes sense for now; for one that makes a record, what stands for that."""
        await self.collection.fetch()
        if isinstance(verb, Creation):
            return executor.new_entry(verb, await self.values(verb, Entry("", None)))
        fits = CHOSEN.get(_name(self.kind, verb), lambda _: True)
        for item in self.collection.set.rows.values():
            if (
                item.row is not None
                and kind_rows.unavailable_reason(verb, item, self.session) is None
                and fits(item.row)
            ):
                return item
        for item in await self._hidden():
            if kind_rows.unavailable_reason(verb, item, self.session) is None:
                return item
        raise AssertionError(f"no {self.kind.noun} can be {verb.label}d: say in NEEDED what makes one")

    async def _hidden(self) -> list[Entry[Any]]:
        """Return the records that the list leaves out."""
        if self.kind.hidden is None:
            return []
        page = await self.kind.hidden.read(self.session.client.at(Priority.ACTION))
        return [item for item in page.entries if item.key not in self.collection.set.rows]

    async def all_keys(self) -> set[str]:
        """Return the keys of all records, those that the list leaves out among them."""
        return {*self.collection.set.rows, *(item.key for item in await self._hidden())}

    async def values(self, verb: AnyAction, item: Entry[Any]) -> Values:
        """Return another value than the present one for each parameter."""
        if (typed := TYPED.get(_name(self.kind, verb))) is not None:
            return typed
        await self._read_choices()
        texts = {} if isinstance(verb, Creation) or item.row is None else verb.texts(item.row, {})
        for parameter in (each for each in verb.parameters if not each.only_in_command):
            now, choices = (
                texts.get(parameter.name, parameter.default),
                parameter.choices_of(self.session, item.key),
            )
            others = [choice.value for choice in choices if choice.value != now]
            texts[parameter.name] = others[0] if others else now or "something else"
        texts |= TYPED_FIELDS.get(_name(self.kind, verb), {})
        assert Values(texts).problems(verb.parameters) == {}, "say in TYPED what it takes"
        return Values(texts)

    async def _read_choices(self) -> None:
        """Read the lists that choices come from."""
        await read_names(self.session, Priority.ACTION)
        for other in kinds().values():
            if other.name in ("models", "projects"):
                await collection_of(self.session, other).fetch()

    def spoil(self, key: str) -> None:
        """Show of a row what is not so, as when somebody else has changed it: only a reading puts that right."""
        row = self.collection.set.rows.get(key)
        if row is not None:
            wrong = {name: "not so" for name, value in fields_of(row.row).items() if isinstance(value, str)}
            assert wrong, f"a {self.kind.noun} says nothing that could be wrong"
            self.collection.set.apply([(key, replace(row, row=changed(row.row, wrong)))])

    async def shows_what_a_reading_says(self, key: str) -> None:
        """The row on screen is the row of a fresh reading, or gone from both."""
        self.fault()
        shown = self.collection.set.rows.get(key)
        fresh = collection_of(Session(self.session.target), self.kind)
        fresh.session.names.repos.update(self.session.names.repos)
        fresh.session.names.agents.update(self.session.names.agents)
        try:
            await fresh.fetch()
        finally:
            await fresh.session.stop()
        read = fresh.set.rows.get(key)
        assert (shown is None) == (read is None)
        if shown is not None and read is not None:
            assert shown.in_progress is None
            # A record that was also read by itself holds more than its row of the list.
            single = self.kind.single
            merged = read.row if single is None else single.merge(read.row, shown.row)
            expected, present = fields_of(merged), fields_of(shown.row)
            assert {name: present.get(name) for name in expected} == expected


@asynccontextmanager
async def bench_of(kind: AnyKind, verb: AnyAction, seed: Path, place: Path) -> AsyncIterator[Bench]:
    async with plane_of(SETTINGS, seed, place) as server:
        needed = NEEDED.get(_name(kind, verb))
        if needed is not None:
            needed(server.plane)
        target = Target("t", server.base_url, Secret(server.token), Secret(server.session_cookie))
        session = Session(target, directory=place / "state")
        repos = await session.client.repos.list()
        session.names.repos.update({repo.id: repo.full_name for repo in repos})
        try:
            yield Bench(server, session, kind)
        finally:
            await session.stop()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "READ_BACK_DELAYS", (0.0,))
    monkeypatch.setattr(executor, "pause", no_pause)


@pytest.mark.parametrize(("kind", "verb"), EVERY_VERB, ids=_id)
async def test_a_verb_is_refused_in_every_way_and_then_done(
    kind: AnyKind, verb: AnyAction, seed: Path, tmp_path: Path
) -> None:
    async with bench_of(kind, verb, seed, tmp_path) as bench:
        item = await bench.item(verb)
        values = await bench.values(verb, item)
        ledger, before, sent = bench.session.ledger, item.row, _sent(kind, verb)
        is_listed = item.key in bench.collection.set.rows
        for status in REFUSALS:
            bench.fault(f"{sent} {'429' if status == 429 else f'status:{status}'}")
            bench.spoil(item.key)
            outcome = await executor.run_action(bench.session, bench.collection, kind, verb, item, values)
            calls = MAX_ATTEMPTS if status == 429 else 1
            assert bench.fired == calls, f"{calls} calls, not {bench.fired}"
            if status == 404 and _name(kind, verb) in GONE_IS_FINE:
                continue
            assert not outcome.good, outcome
            assert kind_rows.name_of(kind, item) in outcome.sentence
            entry = ledger.entries[-1]
            # A start that was answered by a 5xx may have been queued; its key is used again (errors.md §5).
            end = "unknown" if _sends_key(verb) and status >= 500 else "refused"
            assert (entry.action, entry.state) == (_name(kind, verb), end), (status, entry)
            await bench.shows_what_a_reading_says(item.key)
            assert not is_listed or bench.collection.set.rows[item.key].row is not None
        now = bench.collection.set.rows[item.key] if is_listed else item
        assert kind_rows.unavailable_reason(verb, now, bench.session) is None, "a refusal changed the record"
        there = await bench.all_keys()
        outcome = await executor.run_action(bench.session, bench.collection, kind, verb, item, values)
        assert ledger.entries[-1].state == "done", outcome
        if "{}" in verb.done and _name(kind, verb) not in TELL:
            assert kind_rows.name_of(kind, item) in outcome.sentence
        await bench.shows_what_a_reading_says(item.key)
        if _name(kind, verb) not in TELL and not _sends_key(verb) and verb.id not in SAME_AFTER:
            after = bench.collection.set.rows.get(item.key)
            assert after is None or after.row != before, "nothing is different after it"
        if isinstance(verb, Creation) and verb.makes_record:
            assert len(await bench.all_keys() - there) == 1, "one record more"
        if not isinstance(verb, Creation) and not is_listed:
            assert item.key in bench.collection.set.rows, "still left out"
        assert (outcome.secret is not None) == verb.reveals


@pytest.mark.parametrize(("kind", "verb"), EVERY_VERB, ids=_id)
async def test_a_lost_answer_is_unknown_and_what_is_shown_was_read(
    kind: AnyKind, verb: AnyAction, seed: Path, tmp_path: Path
) -> None:
    async with bench_of(kind, verb, seed, tmp_path) as bench:
        item = await bench.item(verb)
        values = await bench.values(verb, item)
        bench.fault(f"{_sent(kind, verb)} drop")
        bench.spoil(item.key)
        outcome = await executor.run_action(bench.session, bench.collection, kind, verb, item, values)
        assert bench.fired == 1
        assert not outcome.good, outcome
        entry = bench.session.ledger.entries[-1]
        assert (entry.action, entry.state) == (_name(kind, verb), "unknown")
        await bench.shows_what_a_reading_says(item.key)


async def test_a_change_under_way_stands_in_its_row_until_it_is_over(seed: Path, tmp_path: Path) -> None:
    async with console_at(Service("open", SETTINGS), seed, tmp_path) as ui:
        await resized(ui, (80, 24))
        for kind in kinds().values():
            if not kind.all_actions:
                continue
            await ui.app.parts.navigation.go(kind.name)
            screen = await heard(ui, kind)
            collection, table = collection_in(screen), screen.table
            for verb in (verb for verb in kind.all_actions if not isinstance(verb, Creation)):
                item = next(item for item in collection.set.rows.values() if item.row is not None)
                assert table.move_cursor_to(item.key)
                await soon(ui, lambda key=item.key, table=table: key in table.visible_keys, "the row drawn")  # type: ignore[misc]
                answer = asyncio.Event()

                async def held(*_: object, answer: asyncio.Event = answer) -> None:
                    await answer.wait()
                    raise NotAllowed("The service refused.")

                def drawn(key: str = item.key, table: LineTable = table) -> str:
                    return table.render_line(1 + table.visible_keys.index(key)).text

                # A switch shows what it turns to, beneath its own title; all else says its word.
                switch = next(
                    (each for each in kind.columns if verb.in_progress in each.format.in_progress), None
                )
                turned = verb.in_progress if switch is None else switch.format.in_progress[verb.in_progress]
                place = None if switch is None else headings(screen).index(switch.title)

                def says(
                    shown: Callable[[], str] = drawn, word: str = turned, at: int | None = place
                ) -> bool:
                    return f"◌ {word}" in shown()[at : None if at is None else at + len(word) + 2]

                before = drawn()
                assert "◌" not in before
                going = asyncio.create_task(
                    executor.run_action(ui.app.session, collection, kind, replace(verb, request=held), item)
                )
                await soon(ui, says, f"{verb.in_progress} in {before!r}")
                answer.set()
                await going
                await soon(ui, lambda: "◌" not in drawn(), f"{verb.in_progress} going")


@pytest.mark.parametrize("why", ["context", "token"])
async def test_who_may_only_read_is_offered_no_verb(why: str, seed: Path, tmp_path: Path) -> None:
    # A browser session beside the token would change what the token may not.
    service = Service(why, may_write=why == "context", cookie=why == "context")
    async with console_at(service, seed, tmp_path, read_only=why == "context") as ui:
        await soon(ui, lambda: not ui.app.session.may_write, "knowing what the token may")
        for kind in kinds().values():
            await ui.app.parts.navigation.go(kind.name)
            screen = await heard(ui, kind)
            for scope in (kind.name, action_registry.detail_scope(kind.name)):
                shown = {title for _, title in action_registry.footer(scope, ui.app.session)}
                assert not shown & {verb.label for verb in kind.all_actions if verb.key}
            for verb in kind.all_actions:
                action = action_registry.BY_ID[_name(kind, verb)]
                assert screen.why_not(action), f"{kind.name} offers {verb.id}"
            commands = {entry.names[0] for entry in entries_of(screen)}
            assert not commands & {verb.label for verb in kind.all_actions}
        assert not ui.app.session.ledger.entries


async def test_a_token_that_may_only_read_is_found_out(seed: Path, tmp_path: Path) -> None:
    async with plane_of(SETTINGS, seed, tmp_path) as server:
        session = Session(Target("t", server.base_url, Secret(server.read_only_token)))
        try:
            assert session.may_write
            await session.client.runs.has_write_scope()
            assert not session.may_write
        finally:
            await session.stop()


def test_every_verb_has_a_key_and_a_help_and_what_cannot_be_undone_is_asked() -> None:
    for kind, verb in EVERY_VERB:
        assert not verb.help.endswith("."), (kind.name, verb.id)
        if verb.id in ("delete", "revoke", "remove", "stop", "cancel", "restart", "publish"):
            assert verb.confirmation is not None, f"{kind.name} {verb.id} does not ask first"
        action_registry.register_kind(kind)
        for scope in (kind.name, action_registry.detail_scope(kind.name)):
            assert _name(kind, verb) in {action.id for action in action_registry.in_scope(scope)}
