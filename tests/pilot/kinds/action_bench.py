"""Carry out any action of any kind on an embedded plane, without a screen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.controlplane.core.plane import Plane
from mogplex_tui.controlplane.core.plane import Settings as PlaneSettings
from mogplex_tui.controlplane.faults.rules import parse
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.live.collection import Entry
from mogplex_tui.live.names import read_names
from mogplex_tui.live.session import Session
from mogplex_tui.operate import executor, kind_rows
from mogplex_tui.operate.kind_rows import new_collection
from mogplex_tui.operate.kinds.registry import kinds
from mogplex_tui.operate.model import Action, AnyAction, AnyKind, Creation, Values
from tests.pilot.kinds.kind_screens import (
    running_plane,
)
from tests.pilot.kinds.records import changed, fields_of

WRITES = "POST,PUT,PATCH,DELETE"

REFUSALS = (403, 404, 409, 410, 422, 429, 500)

EVERY_ACTION = [(kind, verb) for kind in kinds().values() for verb in kind.all_actions]

SETTINGS = PlaneSettings(speed=0, rate_limit=None, fault_route=True)


def _sql(statement: str) -> Callable[[Plane], None]:
    def change(plane: Plane) -> None:
        with plane.db.transaction() as tx:
            tx.execute(statement)

    return change


# What has to be so before a verb makes sense, where the seed has no such record.
_STOP_RUNNING = _sql("UPDATE sandboxes SET status = 'stopped' WHERE status = 'running'")

PREPARATION: dict[str, Callable[[Plane], None]] = {
    "sandboxes.resume": _STOP_RUNNING,
    "sandboxes.restart": _STOP_RUNNING,
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
UNCHANGED_AFTER = frozenset({"extend", "restart"})

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
RESULT_IN_ANSWER = frozenset(
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


def sends_key(verb: AnyAction) -> bool:
    return isinstance(verb, Action) and verb.sends_idempotency_key


def action_name(kind: AnyKind, verb: AnyAction) -> str:
    return f"{kind.name}.{verb.id}"


def request_of(kind: AnyKind, verb: AnyAction) -> str:
    return SENT.get(action_name(kind, verb), f"{WRITES} /api/*")


def case_id(each: object) -> str:
    return getattr(each, "name", None) or getattr(each, "id", None) or str(each)


async def no_pause(_: float, __: asyncio.Event | None = None) -> None:
    """Return at once, so that a rate limit costs no time."""
    await asyncio.sleep(0)


class ActionBench:
    """A session on a plane, without a screen, for the actions of one kind."""

    def __init__(self, server: PlaneServer, session: Session, kind: AnyKind) -> None:
        self.server, self.session, self.kind = server, session, kind
        # Reads what the rows on screen are compared with.
        self.reader = Session(session.target)
        self.collection = new_collection(session, kind)

    def fault(self, *rules: str) -> None:
        """Replace all fault rules with these."""
        faults = self.server.plane.faults
        assert faults is not None
        faults.clear()
        for rule in rules:
            faults.add(parse(rule))

    @property
    def fired(self) -> int:
        """Return how many requests the present fault rules have matched."""
        faults = self.server.plane.faults
        return sum(active.fired for active in faults.active) if faults is not None else 0

    async def item(self, verb: AnyAction) -> Entry[Any]:
        """Return a record that the action is available for, or an entry for a new record."""
        await self.collection.fetch()
        if isinstance(verb, Creation):
            return executor.new_entry(verb, await self.values(verb, Entry("", None)))
        fits = CHOSEN.get(action_name(self.kind, verb), lambda _: True)
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
        raise AssertionError(f"no {self.kind.noun} can be {verb.label}d: say in PREPARATION what makes one")

    async def _hidden(self) -> list[Entry[Any]]:
        """Return the records that the list leaves out."""
        if self.kind.hidden is None:
            return []
        page = await self.kind.hidden.read(self.session.client.at(Priority.ACTION))
        return [item for item in page.entries if item.key not in self.collection.set.rows]

    async def all_keys(self) -> set[str]:
        """Return the keys of all records, including those that the list leaves out."""
        return {*self.collection.set.rows, *(item.key for item in await self._hidden())}

    async def values(self, verb: AnyAction, item: Entry[Any]) -> Values:
        """Return another value than the present one for each parameter."""
        if (typed := TYPED.get(action_name(self.kind, verb))) is not None:
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
        texts |= TYPED_FIELDS.get(action_name(self.kind, verb), {})
        assert Values(texts).problems(verb.parameters) == {}, "say in TYPED what it takes"
        return Values(texts)

    async def _read_choices(self) -> None:
        """Read the lists that choices come from."""
        await read_names(self.session, Priority.ACTION)
        for other in kinds().values():
            if other.name in ("models", "projects"):
                await new_collection(self.session, other).fetch()

    def corrupt_row(self, key: str) -> None:
        """Replace the texts of a row with wrong ones, which only another read corrects."""
        row = self.collection.set.rows.get(key)
        if row is not None:
            wrong = {name: "not so" for name, value in fields_of(row.row).items() if isinstance(value, str)}
            assert wrong, f"a {self.kind.noun} says nothing that could be wrong"
            self.collection.set.apply([(key, replace(row, row=changed(row.row, wrong)))])

    async def shows_what_a_reading_says(self, key: str) -> None:
        """Check that the row on screen equals a freshly read one, or that both are gone."""
        self.fault()
        shown = self.collection.set.rows.get(key)
        self.reader.names.repos.update(self.session.names.repos)
        self.reader.names.agents.update(self.session.names.agents)
        fresh = new_collection(self.reader, self.kind)
        await fresh.fetch()
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
async def action_bench(
    kind: AnyKind, verb: AnyAction, seeded_database: Path, place: Path
) -> AsyncIterator[ActionBench]:
    async with running_plane(SETTINGS, seeded_database, place) as server:
        needed = PREPARATION.get(action_name(kind, verb))
        if needed is not None:
            needed(server.plane)
        target = Target("t", server.base_url, Secret(server.token), Secret(server.session_cookie))
        session = Session(target, directory=place / "state")
        repos = await session.client.repos.list()
        session.names.repos.update({repo.id: repo.full_name for repo in repos})
        bench = ActionBench(server, session, kind)
        try:
            yield bench
        finally:
            await bench.reader.stop()
            await session.stop()


def asks_first(verb: AnyAction) -> bool:
    """Return whether an action asks for anything before it is sent."""
    return bool(verb.parameters) or (verb.confirmation is not None and bool(verb.confirmation.consequences))
