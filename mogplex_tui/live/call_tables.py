"""The SQLite tables of the call history: their schema, and how they are written.

Times are microseconds since 1970, costs are units of 1e-8 US dollars. Texts that repeat are stored
once, in `labels`. Everything here runs in the thread of `live.call_history`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from mogplex_tui.live import redact
from mogplex_tui.live.call_spans import EPOCH, CoveredSpan, final_part, merged
from mogplex_tui.live.run_row import LIVE_STATES, Cost, RunRow, pull_request_name

SCHEMA_VERSION: Final = 2
COST_UNITS: Final = 10**8
"""Units of a US dollar in which costs are stored."""
MAX_CALLS: Final = 200_000
"""The calls that are kept; about 75 MB. The oldest are removed first."""
# Rows that are removed at once when there are too many.
_PRUNED: Final = MAX_CALLS // 20
# Rows that are written between two counts of all rows.
_COUNT_EVERY: Final = 1_000
# A call that is still live a day later has lost its end: the service closes such calls after six hours.
_LONGEST_CALL: Final = timedelta(hours=24)
_NO_CALL_STATES: Final = frozenset({"unknown", "unreadable"})
_TICK: Final = timedelta(microseconds=1)

GROUPED: Final = (
    "model",
    "type",
    "repo",
    "agent",
    "automation",
    "sandbox",
    "pull_request",
    "user",
)
"""The columns by which calls are grouped, besides the status."""
SCHEMA: Final = f"""
CREATE TABLE labels (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE names (key TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE spans (oldest INTEGER PRIMARY KEY, newest INTEGER NOT NULL, read_at INTEGER NOT NULL);
CREATE TABLE calls (
    id TEXT PRIMARY KEY, started INTEGER NOT NULL, ended INTEGER, status TEXT NOT NULL,
    {", ".join(f"{name} INTEGER" for name in GROUPED)}, opened INTEGER,
    tokens INTEGER, prompt_tokens INTEGER, cached_tokens INTEGER, cost INTEGER, cost_source TEXT NOT NULL
);
CREATE INDEX calls_by_start ON calls (started);
CREATE INDEX calls_by_status ON calls (status);
{"".join(f"CREATE INDEX calls_by_{name} ON calls ({name}, status);" for name in GROUPED)}
PRAGMA user_version = {SCHEMA_VERSION};
"""
_COLUMNS: Final = (
    "id", "started", "ended", "status", *GROUPED, "opened",
    "tokens", "prompt_tokens", "cached_tokens", "cost", "cost_source",
)  # fmt: skip
_LIVE: Final = ", ".join(f"'{state}'" for state in sorted(LIVE_STATES))
# The service forgets the tokens and the cost of a call when it is cancelled (observability.md §3).
_KEPT_ON_CANCEL: Final = ("tokens", "prompt_tokens", "cached_tokens", "cost")


def _upsert() -> str:
    updates = []
    for name in _COLUMNS[1:]:
        value = f"excluded.{name}"
        if name in _KEPT_ON_CANCEL:
            value = f"CASE excluded.status WHEN 'cancelled' THEN coalesce({value}, {name}) ELSE {value} END"
        elif name == "cost_source":
            value = (
                f"CASE WHEN excluded.status = 'cancelled' AND excluded.cost IS NULL AND cost IS NOT NULL "
                f"THEN cost_source ELSE {value} END"
            )
        updates.append(f"{name} = {value}")
    return (
        f"INSERT INTO calls VALUES ({', '.join('?' * len(_COLUMNS))}) ON CONFLICT (id) DO UPDATE SET "
        f"{', '.join(updates)} WHERE status IN ({_LIVE}) OR excluded.status NOT IN ({_LIVE})"
    )


_UPSERT: Final = _upsert()


def to_ticks(at: datetime) -> int:
    """Return a time as microseconds since 1970."""
    return (at - EPOCH) // _TICK


def from_ticks(ticks: int) -> datetime:
    """Return the time of a number of microseconds since 1970."""
    return EPOCH + _TICK * ticks


def cost_units(cost: Decimal | None) -> int | None:
    """Return an amount of US dollars in units of 1e-8 dollars, rounded to a unit."""
    return None if cost is None else int((cost * COST_UNITS).to_integral_value())


def dollars(units: int) -> Decimal:
    """Return an amount in units of 1e-8 dollars as US dollars."""
    return (Decimal(units) / COST_UNITS).normalize() if units else Decimal(0)


class CallTables:
    """Writes calls and covered periods to an open database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        # Ids of labels, and names, that this process has stored already.
        self._labels: dict[str, int] = {}
        self._names: dict[str, str] = {}
        # The account of all stored calls, once that was checked.
        self._account: str | None = None
        self._uncounted = _COUNT_EVERY

    def put(self, rows: Iterable[RunRow], account: str | None) -> None:
        """Add calls, or replace what is stored of them.

        Calls of another account than `account`, the owner of the newest rows, are removed first.
        """
        packed = [row for row in rows if row.began is not None and row.state not in _NO_CALL_STATES]
        if not packed:
            return
        try:
            with self._connection:
                if account is not None and account != self._account:
                    self._keep_only(account)
                    self._account = account
                self._connection.executemany(_UPSERT, list(map(self._packed, packed)))
                for row in packed:
                    self._learn(row)
                self._uncounted += len(packed)
                self._prune()
        except sqlite3.Error:
            # The transaction was undone, and with it the labels that it had added.
            self._labels.clear()
            self._names.clear()
            self._account = None
            raise

    def _packed(self, row: RunRow) -> tuple[object, ...]:
        model = row.model or (f"harness:{row.harness}" if row.harness else None)
        # The pull request that a call is about has a number; without one, the call has opened it.
        opened = row.pull_request if row.pull_number is None else None
        texts = (
            model, row.kind, row.repo_id or row.repo, row.agent_id or row.who, row.flow_id or row.automation_id,
            row.sandbox_id, pull_request_name(row), row.user_id, opened,
        )  # fmt: skip
        prompt = [each for each in (row.input_tokens, row.cached_tokens) if each is not None]
        return (
            row.key, to_ticks(row.began or EPOCH), None if row.ended_at is None else to_ticks(row.ended_at), row.state,
            *map(self._label, texts),
            row.tokens, sum(prompt) if prompt else None, row.cached_tokens, cost_units(row.cost),
            row.cost_source.value if row.cost is not None else Cost.UNKNOWN.value,
        )  # fmt: skip

    def _label(self, text: str | None) -> int | None:
        """Return the id of a text, which is stored without secrets."""
        if not text:
            return None
        known = self._labels.get(text)
        if known is not None:
            return known
        safe = redact.text(text)
        self._connection.execute("INSERT OR IGNORE INTO labels (text) VALUES (?)", (safe,))
        (known,) = self._connection.execute("SELECT id FROM labels WHERE text = ?", (safe,)).fetchone()
        self._labels[text] = known
        return int(known)

    def _learn(self, row: RunRow) -> None:
        """Store the names that belong to the ids of a row."""
        pairs = ((row.repo_id, row.repo), (row.agent_id, row.who), (row.flow_id, row.automation))
        self.put_names({key: name for key, name in pairs if key and name})

    def put_names(self, names: dict[str, str]) -> None:
        """Store the names of records by their ids."""
        fresh = {key: name for key, name in names.items() if self._names.get(key) != name}
        if fresh:
            self._connection.executemany(
                "INSERT INTO names VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET name = excluded.name",
                [(key, redact.text(name)) for key, name in fresh.items()],
            )
            self._names.update(fresh)

    def _keep_only(self, account: str) -> None:
        """Remove everything if the stored calls belong to another account."""
        found = self._connection.execute(
            "SELECT 1 FROM calls JOIN labels ON labels.id = calls.user WHERE text <> ? LIMIT 1", (account,)
        ).fetchone()
        if found is not None:
            for table in ("calls", "spans", "names"):
                self._connection.execute(f"DELETE FROM {table}")
            self._names.clear()

    def _prune(self) -> None:
        """Remove the oldest calls if there are too many."""
        if self._uncounted < _COUNT_EVERY:
            return
        self._uncounted = 0
        (number,) = self._connection.execute("SELECT count(*) FROM calls").fetchone()
        if number <= MAX_CALLS:
            return
        (oldest,) = self._connection.execute(
            "SELECT started FROM calls ORDER BY started DESC LIMIT 1 OFFSET ?", (MAX_CALLS - _PRUNED,)
        ).fetchone()
        self._connection.execute("DELETE FROM calls WHERE started <= ?", (oldest,))
        self._connection.execute("DELETE FROM spans WHERE newest <= ?", (oldest,))
        self._connection.execute("UPDATE spans SET oldest = ? WHERE oldest <= ?", (oldest + 1, oldest))

    # Covered periods -----------------------------------------------------------------------------------------------

    def spans(self) -> list[CoveredSpan]:
        """Return the covered periods, the oldest first."""
        rows = self._connection.execute("SELECT oldest, newest, read_at FROM spans ORDER BY oldest")
        return [CoveredSpan(*map(from_ticks, row)) for row in rows]

    def cover(self, span: CoveredSpan) -> None:
        """Add a period whose calls have all been stored."""
        with self._connection:
            # Another process may add a period at the same time.
            self._connection.execute("BEGIN IMMEDIATE")
            self._write_spans(merged([*self.spans(), span]))

    def drop_provisional(self) -> None:
        """Shorten periods to the part whose calls hardly change any more.

        The rest is read again: since it was read, calls may have ended or been billed.
        """
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            parts = [final_part(span, self._oldest_live(span)) for span in self.spans()]
            self._write_spans([part for part in parts if part is not None])

    def _oldest_live(self, span: CoveredSpan) -> datetime | None:
        earliest = max(span.oldest, span.read_at - _LONGEST_CALL)
        (started,) = self._connection.execute(
            f"SELECT min(started) FROM calls WHERE started BETWEEN ? AND ? AND status IN ({_LIVE})",
            (to_ticks(earliest), to_ticks(span.newest)),
        ).fetchone()
        return None if started is None else from_ticks(started)

    def _write_spans(self, spans: Sequence[CoveredSpan]) -> None:
        self._connection.execute("DELETE FROM spans")
        self._connection.executemany(
            "INSERT INTO spans VALUES (?, ?, ?)", [tuple(map(to_ticks, span)) for span in spans]
        )
