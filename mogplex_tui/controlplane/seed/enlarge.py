"""Copies two weeks of finished calls into the weeks before, and writes one very long run."""

from __future__ import annotations

from ..clock import DAY_US, SECOND_US
from ..database import Tx
from .bulk import encode
from .catalogue import script
from .rhythm import WINDOW_DAYS
from .rng import new_uuid, pick, stream, whole

LONG_EVENTS = 50_000
_LONG_PACE_US = 330_000
_CALL_COLUMNS = (
    "user_id, type, model, input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens,"
    " reasoning_tokens, cost_usd, cost_source, gateway_generation_id, gateway_generation_ids, duration_ms"
)


def enlarge(tx: Tx, user_id: str, calls: int, seed: int, now: int) -> None:
    """Copy finished work of `user_id` until there are `calls` calls, and lengthen its oldest streaming run."""
    row = tx.one("SELECT COUNT(*) FROM ai_calls WHERE user_id = ?", (user_id,))
    missing = calls - (row[0] if row else 0)
    number = 0
    while missing > 0:
        number += 1
        missing -= _copy(tx, user_id, number, missing)
    _lengthen(tx, user_id, seed, now)


def _copy(tx: Tx, user_id: str, number: int, limit: int) -> int:
    """One more fortnight: the same calls and runs under new ids, with the events that each call must have."""
    prefix, shift = f"{number:08x}", number * WINDOW_DAYS * DAY_US
    tx.execute("DROP TABLE IF EXISTS temp.copied")
    tx.execute(
        "CREATE TEMP TABLE copied AS SELECT id AS old, ? || substr(id, 9) AS new FROM ai_calls"
        " WHERE user_id = ? AND completed_at IS NOT NULL AND substr(id, 1, 4) <> '0000' LIMIT ?",
        (prefix, user_id, limit),
    )
    tx.execute("CREATE UNIQUE INDEX temp.copied_old ON copied(old)")
    cursor = tx.execute(
        f"INSERT INTO ai_calls (id, {_CALL_COLUMNS}, started_at, completed_at, status, error, conversation_id,"
        " repo_id, cancel_requested_at, control_state, runtime_command_id, tool_calls_count, tool_calls, metadata)"
        f" SELECT c.new, {_CALL_COLUMNS}, started_at - ?, completed_at - ?, status, error, conversation_id,"
        " repo_id, cancel_requested_at - ?, control_state, runtime_command_id, 0, '[]', metadata"
        " FROM copied c JOIN ai_calls a ON a.id = c.old ORDER BY c.new",
        (shift, shift, shift),
    )
    tx.execute(
        "INSERT INTO external_agent_runs (id, user_id, repo_id, ai_call_id, idempotency_key, request_hash, harness,"
        " status, prompt, base_branch, working_branch, create_branch, root_directory, runtime_provider,"
        " runtime_run_id, error, metadata, created_at, updated_at)"
        " SELECT ? || substr(r.id, 9), user_id, repo_id, c.new, idempotency_key || '-' || ?, request_hash, harness,"
        " status, prompt, base_branch, working_branch, create_branch, root_directory, runtime_provider,"
        " runtime_run_id, error, metadata, created_at - ?, updated_at - ?"
        " FROM copied c JOIN external_agent_runs r ON r.ai_call_id = c.old",
        (prefix, prefix, shift, shift),
    )
    tx.execute(
        "INSERT INTO ai_call_events (id, ai_call_id, user_id, conversation_id, repo_id, event_type, message,"
        " payload, created_at)"
        " SELECT ? || substr(e.id, 9), c.new, user_id, conversation_id, repo_id, event_type, message,"
        " CASE WHEN message = 'External Mogplex run accepted' THEN json_set(payload, '$.external_run_id',"
        " ? || substr(json_extract(payload, '$.external_run_id'), 9)) ELSE payload END, created_at - ?"
        " FROM copied c JOIN ai_call_events e ON e.ai_call_id = c.old"
        " WHERE event_type NOT IN ('tool_started', 'tool_finished', 'log') ORDER BY e.seq",
        (prefix, prefix, shift),
    )
    return cursor.rowcount


def _lengthen(tx: Tx, user_id: str, seed: int, now: int) -> None:
    """Put tool events before now into the oldest streaming coding run until it has 50,000 events."""
    call = tx.one(
        "SELECT id, repo_id FROM ai_calls WHERE user_id = ? AND status = 'streaming' AND model LIKE 'harness:%'"
        " ORDER BY started_at LIMIT 1",
        (user_id,),
    )
    if call is None:
        return
    rng, about = stream(seed, "long run"), script("web")
    missing = (
        LONG_EVENTS - tx.all("SELECT COUNT(*) FROM ai_call_events WHERE ai_call_id = ?", (call["id"],))[0][0]
    )
    first = now - missing * _LONG_PACE_US - 20 * SECOND_US
    tx.execute(
        "UPDATE ai_call_events SET created_at = ? + (created_at - (SELECT started_at FROM ai_calls WHERE id = ?)) / 40"
        " WHERE ai_call_id = ?",
        (first - 5 * SECOND_US, call["id"], call["id"]),
    )
    tx.execute("UPDATE ai_calls SET started_at = ? WHERE id = ?", (first - 5 * SECOND_US, call["id"]))
    tx.execute(
        "UPDATE external_agent_runs SET created_at = ? WHERE ai_call_id = ?",
        (first - 5 * SECOND_US, call["id"]),
    )
    rows = []
    for index in range(missing // 2):
        path, line = pick(rng, about.paths), whole(rng, 1, 400)
        given = {"path": path, "startLine": line, "endLine": line + 40}
        shared = {"tool_call_id": f"call_{index:06d}", "input": given, "input_preview": f"{path}:{line}"}
        done = {
            **shared,
            "duration_ms": 310,
            "success": True,
            "output": "41 lines",
            "output_preview": "41 lines",
        }
        at = first + 2 * index * _LONG_PACE_US
        rows.append((new_uuid(rng), "tool_started", "Tool started: readFile", encode(shared), at))
        rows.append(
            (new_uuid(rng), "tool_finished", "Tool finished: readFile", encode(done), at + _LONG_PACE_US)
        )
    tx.execute("SELECT 1").executemany(
        "INSERT INTO ai_call_events (id, ai_call_id, user_id, repo_id, tool_name, event_type, message, payload,"
        f" created_at) SELECT ?1, '{call['id']}', '{user_id}', '{call['repo_id']}', 'readFile', ?2, ?3, ?4, ?5",
        rows,
    )
