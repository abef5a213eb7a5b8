"""Copy finished calls into earlier weeks, and add 50,000 events to one run."""

from __future__ import annotations

from ..db.clock import DAY_US, SECOND_US
from ..db.database import Tx
from ..db.time_shift import mark_existing_rows
from ..sample_data.loader import script
from ..workload.rng import new_uuid, pick, stream, whole
from .working_hours import WINDOW_DAYS

LONG_EVENTS = 50_000
_LONG_PACE_US = 330_000
_CALL_COLUMNS = (
    "user_id, type, model, input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens,"
    " reasoning_tokens, cost_usd, cost_source, gateway_generation_id, gateway_generation_ids, duration_ms, status,"
    " error, conversation_id, repo_id, control_state, runtime_command_id, metadata"
)
_RUN_COLUMNS = (
    "user_id, repo_id, request_hash, harness, status, prompt, base_branch, working_branch, create_branch,"
    " root_directory, runtime_provider, runtime_run_id, error, metadata"
)

_SUMS = ("calls", "tokens", "succeeded", "duration_ms", "timed", "cost_usd")


def enlarge(tx: Tx, user_id: str, calls: int, seed: int, now: int) -> None:
    """Copy a user's finished calls and runs until there are `calls` calls.

    The oldest streaming run also gets very many events. Indexes and triggers are suspended
    (db/bulk_load.py), so this function updates call_days itself.
    """
    row = tx.one("SELECT COUNT(*) FROM ai_calls WHERE user_id = ?", (user_id,))
    _lengthen(tx, user_id, seed, now)
    mark_existing_rows(tx)
    # Copy the originals to a separate table first: a table that grows while it is read would be copied again.
    # Ordered by id, so that the copies' ids are in order too.
    tx.execute(
        f"CREATE TEMP TABLE origin AS SELECT id, substr(id, 9) AS rest, {_CALL_COLUMNS}, started_at, completed_at,"
        " cancel_requested_at FROM ai_calls WHERE user_id = ? AND completed_at IS NOT NULL ORDER BY id",
        (user_id,),
    )
    count = tx.all("SELECT COUNT(*) FROM origin")[0][0]
    missing = calls - (row[0] if row else 0)
    tx.execute("CREATE TEMP TABLE fortnights (prefix TEXT, shift INTEGER, calls INTEGER)")
    for number in range(1, -(-missing // count) + 1):
        tx.execute(
            "INSERT INTO fortnights VALUES (?, ?, ?)",
            (f"{number:08x}", number * WINDOW_DAYS * DAY_US, min(count, missing - (number - 1) * count)),
        )
    _copy_calls(tx)
    _copy_sums(tx, count, missing % count or count)
    _copy_runs(tx)
    _copy_events(tx)
    for table in ("origin", "origin_sums", "origin_runs", "origin_events", "fortnights"):
        tx.execute(f"DROP TABLE temp.{table}")


def _copy_calls(tx: Tx) -> None:
    tx.execute(
        f"INSERT INTO ai_calls (id, {_CALL_COLUMNS}, started_at, completed_at, cancel_requested_at)"
        f" SELECT prefix || rest, {_CALL_COLUMNS}, started_at - shift, completed_at - shift,"
        " cancel_requested_at - shift FROM fortnights f CROSS JOIN origin o WHERE o.rowid <= f.calls"
    )


def _copy_sums(tx: Tx, count: int, shorter: int) -> None:
    """Add the daily sums of the copied calls to call_days.

    The last copy contains only the first `shorter` of the `count` calls.
    """
    tx.execute(
        "CREATE TEMP TABLE origin_sums AS SELECT o.rowid > ?1 AS late, c.user_id, day, c.model, c.type,"
        f" {', '.join(f'SUM(c.{name}) AS {name}' for name in _SUMS)}"
        " FROM origin o JOIN call_figures c ON c.id = o.id GROUP BY 1, 2, 3, 4, 5",
        (shorter,),
    )
    tx.execute(
        f"INSERT INTO call_days SELECT user_id, day - shift / {DAY_US}, model, type,"
        f" {', '.join(f's.{name}' for name in _SUMS)}"
        " FROM fortnights f CROSS JOIN origin_sums s WHERE f.calls = ? OR NOT late"
        f" ON CONFLICT DO UPDATE SET {', '.join(f'{name} = {name} + excluded.{name}' for name in _SUMS)}",
        (count,),
    )


def _copy_runs(tx: Tx) -> None:
    tx.execute(
        "CREATE TEMP TABLE origin_runs AS SELECT o.rowid AS number, rest, substr(r.id, 9) AS rest_id,"
        f" idempotency_key, created_at, updated_at, {', '.join(f'r.{c}' for c in _RUN_COLUMNS.split(', '))}"
        " FROM origin o CROSS JOIN external_agent_runs r ON r.ai_call_id = o.id"
    )
    tx.execute(
        f"INSERT INTO external_agent_runs (id, ai_call_id, idempotency_key, {_RUN_COLUMNS}, created_at, updated_at)"
        f" SELECT prefix || rest_id, prefix || rest, idempotency_key || '-' || prefix, {_RUN_COLUMNS},"
        " created_at - shift, updated_at - shift FROM fortnights f CROSS JOIN origin_runs o WHERE o.number <= f.calls"
    )


def _copy_events(tx: Tx) -> None:
    """Copy the events that clients require of each call (runtime-model.md §9).

    The event that contains the id of an external run gets the id of the copied run.
    """
    tx.execute(
        "CREATE TEMP TABLE origin_events AS SELECT o.rowid AS number, rest, substr(e.id, 9) AS rest_id, e.user_id,"
        " e.conversation_id, e.repo_id, event_type, message, payload, created_at,"
        " CASE event_type WHEN 'started' THEN json_extract(payload, '$.external_run_id') END AS run_id"
        " FROM ai_call_events e CROSS JOIN origin o ON o.id = e.ai_call_id"
        " WHERE event_type IN ('status_changed', 'finished', 'failed', 'cancel_requested', 'cancelled')"
        " OR message = 'External Mogplex run accepted' ORDER BY o.rowid, e.seq"
    )
    tx.execute(
        "INSERT INTO ai_call_events (id, ai_call_id, user_id, conversation_id, repo_id, event_type, message,"
        " payload, created_at)"
        " SELECT prefix || rest_id, prefix || rest, user_id, conversation_id, repo_id, event_type, message,"
        " CASE WHEN run_id IS NULL THEN payload ELSE replace(payload, run_id, prefix || substr(run_id, 9)) END,"
        " created_at - shift FROM fortnights f CROSS JOIN origin_events o WHERE o.number <= f.calls"
    )


def _lengthen(tx: Tx, user_id: str, seed: int, now: int) -> None:
    """Add tool events to the oldest coding run in progress until it has 50,000 events."""
    call = tx.one(
        "SELECT id, repo_id, started_at FROM ai_calls WHERE user_id = ? AND status = 'streaming'"
        " AND model LIKE 'harness:%' ORDER BY started_at LIMIT 1",
        (user_id,),
    )
    if call is None:
        return
    call_id, was = call["id"], call["started_at"]
    existing = tx.all("SELECT COUNT(*) FROM ai_call_events WHERE ai_call_id = ?", (call_id,))[0][0]
    missing = LONG_EVENTS - existing
    first = now - missing * _LONG_PACE_US - 20 * SECOND_US
    start = first - 5 * SECOND_US
    tx.execute(
        "UPDATE ai_call_events SET created_at = ? + (created_at - ?) / 40 WHERE ai_call_id = ?",
        (start, was, call_id),
    )
    tx.execute("UPDATE ai_calls SET started_at = ? WHERE id = ?", (start, call_id))
    tx.execute("UPDATE external_agent_runs SET created_at = ? WHERE ai_call_id = ?", (start, call_id))
    rng, story = stream(seed, "long run"), script("web")
    tail = new_uuid(rng)[8:]
    tx.execute("CREATE TEMP TABLE reads (number INTEGER PRIMARY KEY, path TEXT, line INTEGER)")
    tx.execute("SELECT 1").executemany(
        "INSERT INTO reads VALUES (?, ?, ?)",
        ((number, pick(rng, story.paths), whole(rng, 1, 400)) for number in range(missing // 2)),
    )
    tx.execute(
        _READ_EVENTS,
        {
            "call": call_id,
            "user": user_id,
            "repo": call["repo_id"],
            "tail": tail,
            "first": first,
            "pace": _LONG_PACE_US,
        },
    )
    tx.execute("DROP TABLE temp.reads")


# Two events for each file that is read; nothing in them needs escaping.
_SHARED = (
    'printf(\'{"tool_call_id":"call_%06d","input":{"path":"%s","startLine":%d,"endLine":%d},'
    '"input_preview":"%s:%d","step_number":%d\', number, path, line, line + 40, path, line, number + 1)'
)
_DONE = ',"duration_ms":310,"success":true,"output":"41 lines","output_preview":"41 lines"'
_READ_EVENTS = (
    "INSERT INTO ai_call_events (id, ai_call_id, user_id, repo_id, event_type, tool_name, message, payload,"
    " created_at)"
    " SELECT printf('%08x%s', 2 * number + done, :tail), :call, :user, :repo,"
    " iif(done, 'tool_finished', 'tool_started'), 'readFile',"
    " iif(done, 'Tool finished: readFile', 'Tool started: readFile'),"
    f" {_SHARED} || iif(done, '{_DONE}', '') || '}}', :first + (2 * number + done) * :pace"
    " FROM reads CROSS JOIN (SELECT 0 AS done UNION ALL SELECT 1)"
)
