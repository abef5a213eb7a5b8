"""Compare the console's ledger with the plane's database and recorded requests."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tests.hostile.recording_proxy import Recorded

KEY_PREFIX = "mogplex-tui-"
# Tables whose rows only the console removes, with the prefix of the actions that do.
REMOVABLE = {
    "agents": "agents.delete",
    "connections": "connections.delete",
    "conversations": "conversations.delete",
    "memories": "memories.delete",
    "agent_rules": "rules.delete",
    "skills": "skills.delete",
    "user_mcp_servers": "mcp-servers.delete",
    "provider_keys": "provider-keys.delete",
}
# The column by which the console names a row, where that is not its id.
NAMED_BY = {"provider_keys": "provider"}
# Actions whose request is a GET, which the proxy does not record as a change.
SENT_AS_READS = frozenset({"installations.sync"})
# One cancel may need a request for the run, one for its call and one for the run that the call names.
REQUESTS_OF_A_CANCEL = 3


@dataclass
class Change:
    """One ledger entry: its first and its last line together.

    `end` is None if the console ended in between.
    """

    id: str
    action: str
    subject: str
    key: str | None
    begin: float
    end: float | None = None
    state: str = "unknown"
    detail: str | None = None


@dataclass
class Audit:
    """The counts of a comparison and the disagreements that it found."""

    entries: int = 0
    keyed: int = 0
    effects: int = 0
    requests: int = 0
    states: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        states = ", ".join(f"{count} {state}" for state, count in sorted(self.states.items()))
        return (
            f"{self.entries} entries ({states or 'none'}), {self.requests} changing requests, "
            f"{self.keyed} idempotency keys, {self.effects} effects, {len(self.violations)} disagreements"
        )


def read_ledger(paths: Iterable[Path]) -> list[Change]:
    """Return the entries of ledger files in the order in which they were opened.

    Raises an error if a line is incomplete.
    """
    found: dict[str, Change] = {}
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            at = datetime.fromisoformat(entry["at"]).timestamp()
            if entry["state"] == "sent":
                found[entry["id"]] = Change(entry["id"], entry["action"], entry["subject"], entry["key"], at)
            else:
                change = found[entry["id"]]
                change.end, change.state, change.detail = at, entry["state"], entry["detail"]
    return list(found.values())


class Before:
    """The ids in the database before the console changes anything."""

    def __init__(self, database: Path) -> None:
        with sqlite3.connect(database) as connection:
            self.ids = {table: _names(connection, table) for table in (*REMOVABLE, "user_api_keys")}
            self.revoked = _names(connection, "user_api_keys", "revoked_at IS NOT NULL")


def audit(
    before: Before,
    database: Path,
    ledgers: Iterable[Path],
    requests: Sequence[Recorded] | None,
    slack: float = 1.5,
) -> Audit:
    """Check that each sent entry has one effect for its key, and each effect an entry.

    Without `requests`, which a proxy records, the ledger is compared with the database alone.
    """
    changes = read_ledger(ledgers)
    result = Audit(len(changes), states=Counter(change.state for change in changes))
    with sqlite3.connect(database) as connection:
        _compare_keys(connection, changes, result)
        _compare_removed(connection, before, changes, result)
        _compare_api_keys(connection, before, changes, result)
    if requests is not None:
        _compare_requests(changes, [each for each in requests if _is_change(each)], result, slack)
    return result


def _names(connection: sqlite3.Connection, table: str, where: str = "1") -> set[str]:
    """Return the ids or names by which the console refers to the rows of a table."""
    column = NAMED_BY.get(table, "id")
    return {str(row[0]) for row in connection.execute(f"SELECT {column} FROM {table} WHERE {where}")}


def _compare_keys(connection: sqlite3.Connection, changes: Sequence[Change], result: Audit) -> None:
    effects: Counter[str] = Counter()
    for table in ("external_agent_runs", "job_runs"):
        query = f"SELECT idempotency_key FROM {table} WHERE idempotency_key LIKE ?"
        for (stored,) in connection.execute(query, (f"%{KEY_PREFIX}%",)):
            effects[stored[stored.index(KEY_PREFIX) :]] += 1
    by_key: dict[str, list[Change]] = defaultdict(list)
    for change in changes:
        if change.key is not None:
            by_key[change.key].append(change)
    result.keyed, result.effects = len(by_key), sum(effects.values())
    for key, count in effects.items():
        if key not in by_key:
            result.violations.append(f"an effect without an entry: {key}")
        if count > 1:
            result.violations.append(f"{count} effects of one key: {key}")
    for key, entries in by_key.items():
        for change in entries:
            if change.state == "done" and change.action == "runs.start" and not effects[key]:
                result.violations.append(f"an entry that is done without an effect: {change}")
        if effects[key] and all(change.state == "refused" for change in entries):
            result.violations.append(f"an effect whose entries all say refused: {entries[-1]}")


def _compare_removed(
    connection: sqlite3.Connection, before: Before, changes: Sequence[Change], result: Audit
) -> None:
    for table, action in REMOVABLE.items():
        now = _names(connection, table)
        entries = [change for change in changes if change.action == action]
        for gone in before.ids[table] - now:
            result.effects += 1
            if not any(gone in change.subject and change.state != "refused" for change in entries):
                result.violations.append(f"{table} lost {gone}, which no entry explains")
        for change in entries:
            if change.state == "done" and any(one in change.subject for one in now):
                result.violations.append(f"still in {table}: {change}")


def _compare_api_keys(
    connection: sqlite3.Connection, before: Before, changes: Sequence[Change], result: Audit
) -> None:
    made = _names(connection, "user_api_keys") - before.ids["user_api_keys"]
    entries = [change for change in changes if change.action == "api-keys.create"]
    done = sum(change.state == "done" for change in entries)
    possible = sum(change.state != "refused" for change in entries)
    result.effects += len(made)
    if not done <= len(made) <= possible:
        result.violations.append(f"{len(made)} API keys were made; {done} to {possible} entries say so")
    revoked = _names(connection, "user_api_keys", "revoked_at IS NOT NULL") - before.revoked
    for one in revoked:
        result.effects += 1
        if not any(
            c.action == "api-keys.revoke" and one in c.subject and c.state != "refused" for c in changes
        ):
            result.violations.append(f"API key {one} was revoked, which no entry explains")


def _is_change(request: Recorded) -> bool:
    """Whether a request changes something.

    A start of a run without an idempotency key is the console's probe for the scopes of its token.
    """
    probe = request.method == "POST" and request.path == "/api/v1/mogplex/runs" and request.key is None
    return request.changes and not probe


def _compare_requests(
    changes: Sequence[Change], requests: Sequence[Recorded], result: Audit, slack: float
) -> None:
    result.requests = len(requests)
    left = {
        change.id: REQUESTS_OF_A_CANCEL if change.action.endswith("cancel") else 1
        for change in changes
        if change.key is None
    }
    keys = {change.key for change in changes if change.key is not None}
    reached: set[str] = set()
    for request in requests:
        if request.key is not None:
            reached.add(request.key)
            if request.key not in keys:
                result.violations.append(f"a request whose key is in no entry: {request}")
            continue
        fitting = [
            change
            for change in changes
            if left.get(change.id, 0) > 0
            and change.begin - slack <= request.at
            and (change.end is None or request.at <= change.end + slack)
        ]
        # Prefer the entry with the id in the path, else the last open one: an entry of a killed console has no end.
        named = [change for change in fitting if change.subject.rpartition(" ")[2] in request.path]
        if not fitting:
            result.violations.append(f"a request without an entry: {request}")
            continue
        chosen = (named or fitting)[-1]
        left[chosen.id] -= 1
        reached.add(chosen.id)
    for change in changes:
        was_sent = (change.key or change.id) in reached or change.action in SENT_AS_READS
        if change.state == "done" and not was_sent:
            result.violations.append(f"an entry that is done without a request: {change}")
