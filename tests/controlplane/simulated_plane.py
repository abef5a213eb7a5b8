"""A seeded plane whose clock a test moves, and the rules that its rows must keep."""

from __future__ import annotations

import json
import re
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from mogplex_tui.controlplane.calls import call_writes
from mogplex_tui.controlplane.core.plane import Plane, Settings
from mogplex_tui.controlplane.database_setup import prepare
from mogplex_tui.controlplane.db.clock import MINUTE_US, SECOND_US, Clock
from mogplex_tui.controlplane.db.database import Database
from mogplex_tui.controlplane.runs import run_writes
from mogplex_tui.controlplane.simulator import Simulator
from tests.controlplane.manual_clock import ManualClock

# A Tuesday afternoon.
SEEDED_AT = 1_788_270_000_000_000
TERMINAL = ("success", "failed", "cancelled")


@cache
def _story(seed: int) -> bytes:
    """Return the file of a small seeded plane at SEEDED_AT that nobody has opened."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plane.db"
        plane = prepare(Settings(seed=seed), path, ManualClock(SEEDED_AT))
        # Whoever opens a copy is the first to do so.
        plane.db.all("DELETE FROM plane_meta WHERE key = 'generation'")
        plane.db.close()
        return path.read_bytes()


class SimulatedPlane:
    """A seeded plane with its simulator, driven without waiting.

    A new plane at SEEDED_AT starts from a cached copy of the seeded database.
    """

    def __init__(
        self,
        path: Path,
        *,
        seed: int = 7,
        speed: float = 1.0,
        now: int = SEEDED_AT,
        clock: Clock | None = None,
    ) -> None:
        self.clock = ManualClock(now)
        copied = now == SEEDED_AT and clock is None and not path.exists()
        if copied:
            path.write_bytes(_story(seed))
        self.plane: Plane = prepare(Settings(seed=seed, speed=speed), path, clock or self.clock)
        # Nobody needs a test's file after a power cut.
        self.db.all("PRAGMA synchronous=OFF")
        if copied:
            # The two tokens in the file have their ids from this stream.
            self.plane.ids.uuid(), self.plane.ids.uuid()
        self.simulator = Simulator(self.plane)

    @property
    def db(self) -> Database:
        return self.plane.db

    def go(self, seconds: float) -> None:
        """Advance the clock second by second."""
        end = self.clock.us + int(seconds * SECOND_US)
        while self.clock.us < end:
            self.clock.us = min(end, self.clock.us + SECOND_US)
            self.simulator.step_until(self.clock.us)

    def go_until(self, sql: str, params: tuple[Any, ...] = (), minutes: float = 20) -> None:
        """Advance the clock until the first value of `sql` is true.

        Fails after `minutes` of simulated time.
        """
        for _ in range(int(minutes * 60)):
            if self.db.value(sql, params):
                return
            self.go(1)
        raise AssertionError(f"never true: {sql}")

    def ask_for_run(self, prompt: str, repo: str = "acme/api", branch: str | None = None) -> tuple[str, str]:
        """Accept a run as the token API does; returns run id and call id.

        It wakes the simulator.
        """
        row = self.db.one(
            "SELECT id, default_branch FROM repos WHERE full_name = ? AND user_id = ?",
            (repo, self.plane.user_id),
        )
        assert row is not None
        now, base = self.plane.clock.now_us(), row["default_branch"]
        with self.db.transaction() as tx:
            call_id = call_writes.insert_call(
                tx,
                user_id=self.plane.user_id,
                type="agent",
                model="harness:codex",
                started_at=now,
                repo_id=row["id"],
                metadata={"source": "external-api", "harness_id": "codex"},
            )
            run_id = run_writes.insert_run(
                tx,
                user_id=self.plane.user_id,
                repo_id=row["id"],
                ai_call_id=call_id,
                idempotency_key=f"test-{call_id}",
                request_hash="0" * 64,
                harness="codex",
                prompt=prompt,
                base_branch=base,
                working_branch=branch or base,
                created_at=now,
            )
        self.plane.callbacks.run_started(run_id)
        return run_id, call_id

    def cancel_call(self, call_id: str) -> bool:
        """Cancel a live call as the observability route does; False when it is over."""
        with self.db.transaction() as tx:
            asked = call_writes.request_cancel(tx, call_id, self.clock.us, {"runtime_command_id": None})
            call_writes.finalize_cancel(
                tx, call_id, self.clock.us, "Run cancelled", {"runtime_command_id": None}
            )
        if asked:
            self.plane.callbacks.must_cancel(call_id)
        return asked

    def row(self, table: str, row_id: str) -> dict[str, Any]:
        """Return one row as a dict."""
        found = self.db.one(f"SELECT * FROM {table} WHERE id = ?", (row_id,))
        assert found is not None
        return dict(found)

    def events(self, call_id: str) -> list[dict[str, Any]]:
        """Return the events of a call with parsed payloads."""
        rows = self.db.all(
            "SELECT * FROM ai_call_events WHERE ai_call_id = ? ORDER BY created_at, seq", (call_id,)
        )
        return [{**dict(row), "payload": json.loads(row["payload"])} for row in rows]

    def close(self) -> None:
        self.db.close()


def invariant_violations(db: Database, now: int) -> list[str]:
    """Return a text for every violation of runtime-model.md §9."""
    broken: list[str] = []
    broken += _calls(db, now)
    broken += _events(db, now)
    broken += _parents(db)
    return broken


def _timeless(value: Any) -> Any:
    """Return a value without the instants in its text."""
    return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "then", value) if isinstance(value, str) else value


def history_rows(db: Database, instants: bool = True) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of the history's tables, with or without instants."""
    tables: dict[str, list[tuple[Any, ...]]] = {}
    for table in (
        "ai_calls",
        "ai_call_events",
        "external_agent_runs",
        "job_runs",
        "sandboxes",
        "review_findings",
        "automation_dispatch_events",
    ):
        names = [row["name"] for row in db.all(f"PRAGMA table_info({table})")]
        kept = [name for name in names if instants or not name.endswith("_at")]
        rows = [tuple(row) for row in db.all(f"SELECT {', '.join(kept)} FROM {table} ORDER BY id")]
        tables[table] = rows if instants else [tuple(map(_timeless, row)) for row in rows]
    return tables


def daily_totals(db: Database, kept: bool = True) -> list[tuple[Any, ...]]:
    """Return the stored daily totals, or the totals of the calls themselves.

    Money is in whole millionths.
    """
    rows = db.all(f"SELECT * FROM {'call_days' if kept else 'call_sums'} WHERE calls > 0 ORDER BY 1, 2, 3, 4")
    return [(*row[:-1], round(row[-1] * 1e6)) for row in map(tuple, rows)]


def _report(db: Database, what: str, sql: str, params: tuple[Any, ...] = ()) -> list[str]:
    return [f"{what}: {tuple(row)}" for row in db.all(f"{sql} LIMIT 5", params)]


def _calls(db: Database, now: int) -> list[str]:
    live = "status IN ('pending', 'streaming')"
    return [
        *_report(
            db, "an ended call without its end", f"SELECT id FROM ai_calls WHERE NOT {live}"
            " AND (completed_at IS NULL OR duration_ms IS NOT (completed_at - started_at) / 1000)",
        ),
        *_report(db, "a live call with an end", f"SELECT id FROM ai_calls WHERE {live}"
                 " AND (completed_at IS NOT NULL OR duration_ms IS NOT NULL)"),
        *_report(db, "a call from the future", "SELECT id FROM ai_calls WHERE started_at > ? OR completed_at > ?",
                 (now, now)),
        *_report(db, "control state and status apart", "SELECT id, status, control_state FROM ai_calls WHERE"
                 " (control_state = 'cancelled') <> (status = 'cancelled')"),
        *_report(db, "a cancelled call with tokens", "SELECT id FROM ai_calls WHERE status = 'cancelled'"
                 " AND (input_tokens IS NOT NULL OR tool_calls_count > 0 OR tool_calls <> '[]')"),
        *_report(db, "a success with an error", "SELECT id FROM ai_calls WHERE (status = 'failed') <> (error NOTNULL)"),
        *_report(db, "tool calls miscounted",
                 "SELECT id FROM ai_calls WHERE json_array_length(tool_calls) <> tool_calls_count"
                 " AND tool_calls <> '[]'"),
        *_report(db, "a harness call with a cost",
                 "SELECT id FROM ai_calls WHERE model LIKE 'harness:%' AND cost_usd NOTNULL"),
    ]  # fmt: skip


def _events(db: Database, now: int) -> list[str]:
    count = "(SELECT COUNT(*) FROM ai_call_events e WHERE e.ai_call_id = c.id AND e.event_type"
    # Agent nodes of the service's own harness write no events (v1.md §8.5).
    told = "(json_extract(c.metadata, '$.automation_execution') IS NULL OR c.model LIKE 'harness:%')"
    return [
        *_report(db, "not one terminal event", f"SELECT id, status FROM ai_calls c WHERE {told} AND {count}"
                 " IN ('finished', 'failed', 'cancelled')) <> (status NOT IN ('pending', 'streaming'))"),
        *_report(db, "a terminal event of another kind", "SELECT c.id, c.status, e.event_type FROM ai_calls c"
                 " JOIN ai_call_events e ON e.ai_call_id = c.id WHERE e.event_type IN ('finished', 'failed', 'cancelled')"
                 " AND e.event_type <> replace(c.status, 'success', 'finished')"),
        *_report(db, "streamed without saying so", "SELECT id FROM ai_calls c"
                 f" WHERE {told} AND status IN ('streaming', 'success') AND {count} = 'status_changed') <> 1"),
        *_report(db, "an own node's call that lives or tells", f"SELECT id FROM ai_calls c WHERE NOT {told}"
                 " AND (status IN ('pending', 'streaming') OR EXISTS"
                 " (SELECT 1 FROM ai_call_events e WHERE e.ai_call_id = c.id))"),
        *_report(db, "an event outside of its call", "SELECT e.id, e.message FROM ai_call_events e"
                 " JOIN ai_calls c ON c.id = e.ai_call_id WHERE e.created_at < c.started_at"
                 " OR e.created_at > coalesce(c.completed_at, ?)", (now,)),
        *_report(db, "an event after the end", "SELECT e.id FROM ai_call_events e JOIN ai_call_events t"
                 " ON t.ai_call_id = e.ai_call_id AND t.event_type IN ('finished', 'failed', 'cancelled')"
                 " WHERE e.seq > t.seq"),
        *_report(db, "a tool that finished without a start", "WITH starts AS (SELECT ai_call_id,"
                 " json_extract(payload, '$.tool_call_id') AS tool, MIN(seq) AS seq FROM ai_call_events"
                 " WHERE event_type = 'tool_started' GROUP BY 1, 2)"
                 " SELECT e.id FROM ai_call_events e LEFT JOIN starts s ON s.ai_call_id = e.ai_call_id"
                 " AND s.tool = json_extract(e.payload, '$.tool_call_id')"
                 " WHERE e.event_type = 'tool_finished' AND (s.seq IS NULL OR s.seq >= e.seq)"),
    ]  # fmt: skip


def _parents(db: Database) -> list[str]:
    ledger = "(SELECT COUNT(*) FROM automation_dispatch_events d WHERE d.job_run_id = j.id AND d."
    return [
        *_report(db, "a run apart from its call", "SELECT r.id, r.status, c.status FROM external_agent_runs r"
                 " JOIN ai_calls c ON c.id = r.ai_call_id WHERE r.status IN ('success', 'failed', 'cancelled')"
                 " AND r.status <> c.status"),
        *_report(db, "not one enqueue row", f"SELECT id FROM job_runs j WHERE {ledger}event_kind = 'enqueue') <> 1"),
        # A job whose parents were deleted under it is nobody's, and so is what would be told of it.
        *_report(db, "an ended job without a control row", "SELECT id, status FROM job_runs j WHERE"
                 " COALESCE(j.flow_id, j.assignment_id, j.trigger_id) NOTNULL AND"
                 f" {ledger}outcome IN ('completed', 'failed', 'cancelled') AND d.event_kind = 'control') <>"
                 " (status IN ('success', 'failed', 'cancelled') AND error IS NOT 'MISSING_CONFIG')"),
        *_report(db, "a running job that never started",
                 f"SELECT id FROM job_runs j WHERE status = 'running' AND {ledger}outcome = 'started') = 0"),
        *_report(db, "a pending job with a start time",
                 "SELECT id FROM job_runs WHERE status = 'pending' AND started_at NOTNULL"),
        *_report(db, "a live node in an ended job", "SELECT n.id FROM flow_node_runs n JOIN job_runs j"
                 " ON j.id = n.job_run_id WHERE n.status = 'running' AND j.status NOT IN ('running')"),
        *_report(db, "more running than the installation may",
                 "SELECT f.installation_id, COUNT(*) FROM job_runs j JOIN flows f ON f.id = j.flow_id"
                 " WHERE j.status = 'running' GROUP BY 1 HAVING COUNT(*) > 8"),
        *_report(db, "two active sandboxes of one tree", "SELECT repo_id, working_branch FROM sandboxes"
                 " WHERE status IN ('creating', 'installing', 'running', 'pausing')"
                 " GROUP BY user_id, repo_id, working_branch, root_directory HAVING COUNT(*) > 1"),
    ]  # fmt: skip


HOUR = 60 * MINUTE_US
