"""Record every write of a plane and check that the contract allows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from mogplex_tui.controlplane.calls.call_writes import REAPED
from mogplex_tui.controlplane.core.plane import Plane
from mogplex_tui.controlplane.db.change_hub import Frame

ENDED = ("success", "failed", "cancelled")
_CALL_ENDS: dict[str, set[str]] = {end: set() for end in ENDED}
# From a state to those that may follow it (runtime-model.md §9; sandboxes.md §2.1 and §4.2; routing.md §3.14 to §3.16).
ALLOWED: dict[str, dict[str, set[str]]] = {
    "call": {"pending": {"streaming", *ENDED}, "streaming": {*ENDED}, **_CALL_ENDS},
    "control": {"active": {"cancel_requested"}, "cancel_requested": {"cancelled"}, "cancelled": set()},
    "run": {"pending": {"streaming", *ENDED}, "streaming": {*ENDED}, **_CALL_ENDS},
    "job": {"pending": {"running", "cancelled"}, "running": {"pending", *ENDED}, **_CALL_ENDS},
    "node": {
        "pending": {"running", "skipped", *ENDED},
        "running": {"skipped", *ENDED},
        "skipped": set(),
        **_CALL_ENDS,
    },
    "wait": {
        "waiting": {"resumed", "expired", "cancelled"},
        "resumed": set(),
        "expired": set(),
        "cancelled": set(),
    },
    "approval": {
        "pending": {"approved", "denied", "expired", "cancelled"},
        **{word: set() for word in ("approved", "denied", "expired", "cancelled")},
    },
    "sandbox": {
        "creating": {"installing", "running", "paused", "stopped", "error"},
        "installing": {"running", "paused", "stopped", "error"},
        "running": {"installing", "paused", "pausing", "stopped", "error"},
        "pausing": {"running", "paused", "stopped", "error"},
        "paused": {"installing", "running", "stopped", "error"},
        "stopped": {"installing", "running"},
        "error": {"installing", "running", "paused"},
    },
}
# Where a row may begin; history that a route writes at once is not among it.
FIRST_STATES: dict[str, set[str]] = {
    "call": {"pending", "streaming", "success", "failed"},
    "control": {"active"},
    "run": {"pending"},
    "job": {"pending"},
    "node": {"pending", "running", "skipped", "success"},
    "wait": {"waiting"},
    "approval": {"pending"},
    "sandbox": {"creating", "running"},
}
_COLUMNS = {
    "call": ("ai_calls", "status"),
    "control": ("ai_calls", "control_state"),
    "run": ("external_agent_runs", "status"),
    "job": ("job_runs", "status"),
    "node": ("flow_node_runs", "status"),
    "wait": ("flow_waits", "status"),
    "approval": ("control_approvals", "status"),
    "sandbox": ("sandboxes", "status"),
}
# Extra values of a transition besides its states, in SQL.
_EXTRA_VALUES = {
    "call": "CASE WHEN NEW.completed_at IS NOT NULL AND NEW.duration_ms IS NOT NULL"
    " THEN NEW.control_state || ': ' || COALESCE(NEW.error, '') END",
    "run": "(SELECT status FROM ai_calls WHERE id = NEW.ai_call_id)",
    "job": "NEW.last_start_error IS NOT NULL",
}
# The realtime tables that the walk writes to (runtime-model.md §7).
_ANNOUNCED = (
    "ai_calls",
    "ai_call_events",
    "automation_dispatch_events",
    "job_runs",
    "limit_events",
    "sandboxes",
)
_NEVER_DELETED = ("ai_calls", "ai_call_events", "automation_dispatch_events", "limit_events")


class Transition(NamedTuple):
    """One write: kind of row, id, states before and after, and extra values."""

    kind: str
    row_id: str
    old: str
    new: str
    extra: Any


class TransitionRecorder:
    """Records writes with triggers, and announced frames, of one plane."""

    def __init__(self, plane: Plane) -> None:
        self._db = plane.db
        self.counts: Counter[str] = Counter()
        self._watches = 0
        self._announced_frames: set[tuple[str, str, str]] = set()
        self._publish = plane.hub.publish
        plane.hub.publish = self._record_frames  # type: ignore[method-assign]
        self._db.all(
            "CREATE TEMP TABLE witnessed (seq INTEGER PRIMARY KEY, kind TEXT, id TEXT, old TEXT, new TEXT, extra)"
        )
        for kind, (table, column) in _COLUMNS.items():
            extra = _EXTRA_VALUES.get(kind, "NULL")
            self._watch(f"INSERT ON {table}", f"'{kind}', NEW.id, '', NEW.{column}, {extra}")
            self._watch(
                f"UPDATE OF {column} ON {table} WHEN OLD.{column} IS NOT NEW.{column}",
                f"'{kind}', NEW.id, OLD.{column}, NEW.{column}, {extra}",
            )
        self._watch(
            "UPDATE ON ai_calls WHEN OLD.completed_at IS NOT NULL"
            " AND (NEW.completed_at, NEW.duration_ms) IS NOT (OLD.completed_at, OLD.duration_ms)",
            "'moved end', NEW.id, '', '', NULL",
        )
        for table in _ANNOUNCED:
            self._watch(f"INSERT ON {table}", f"'insert', NEW.id, '{table}', '', NULL")
        for table in _NEVER_DELETED:
            self._watch(f"DELETE ON {table}", f"'deleted', OLD.id, '{table}', '', NULL")
        ledger = "'ledger', NEW.id, NEW.event_kind, NEW.outcome, NEW.job_run_id"
        self._watch(
            "INSERT ON automation_dispatch_events WHEN NEW.event_kind = 'enqueue'",
            ledger,
        )

    def _record_frames(self, frames: Iterable[Frame]) -> None:
        """Record every frame; fails if its transaction is still open."""
        published = list(frames)
        with self._db.transaction(announce=False):
            self._announced_frames |= {(frame.table, frame.op, frame.row_id) for frame in published}
        self._publish(published)

    def _watch(self, when: str, values: str) -> None:
        self._watches += 1
        self._db.all(
            f"CREATE TEMP TRIGGER watch_{self._watches} AFTER {when} BEGIN"
            f" INSERT INTO witnessed (kind, id, old, new, extra) VALUES ({values}); END"
        )

    def seen(self) -> list[Transition]:
        """Return the checked writes since the last call, in order."""
        found = [
            Transition(*row)
            for row in self._db.all("SELECT kind, id, old, new, extra FROM witnessed ORDER BY seq")
        ]
        self._db.all("DELETE FROM witnessed")
        heard, self._announced_frames = self._announced_frames, set()
        for change in found:
            self.counts[f"{change.kind} {change.old} {change.new}"] += 1
            _check(change)
            _is_announced(change, heard)
        return found


def _check(change: Transition) -> None:
    kind, _, old, new, extra = change
    assert kind not in ("moved end", "deleted"), change
    if kind not in ALLOWED:
        return
    assert new in (ALLOWED[kind][old] if old else FIRST_STATES[kind]), change
    if kind == "call":
        # The write that ends a call is the one that says when and how long (runtime-model.md §9, 3).
        assert (extra is not None) == (new in ENDED), change
        # A cancel that was asked for wins, except against the reaper (runtime-model.md §5).
        if extra and not extra.startswith("active"):
            assert new == "cancelled" or extra.endswith(REAPED), change
    elif kind == "run" and new in ENDED:
        # A run follows its call (runtime-model.md §9, 6).
        assert extra == new, change
    elif kind == "job" and (old, new) == ("running", "pending"):
        assert extra, change


def _is_announced(change: Transition, heard: set[tuple[str, str, str]]) -> None:
    """Assert that a committed insert or change of state was announced.

    See runtime-model.md §9, 7.
    """
    if change.kind == "insert":
        assert (change.old, "INSERT", change.row_id) in heard, change
    elif change.old and change.kind in ("call", "control", "job", "sandbox"):
        assert (_COLUMNS[change.kind][0], "UPDATE", change.row_id) in heard, change
