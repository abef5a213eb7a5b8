"""Copies two weeks of finished calls into the weeks before, and writes one very long run."""

from __future__ import annotations

from ..clock import DAY_US, SECOND_US
from ..database import Tx
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
    tx.execute(
        "CREATE TEMP TABLE origin AS SELECT id FROM ai_calls WHERE user_id = ? AND completed_at IS NOT NULL"
        " ORDER BY id",
        (user_id,),
    )
    # Only what every call must have, and the row that names the external run, is copied (runtime-model.md §9).
    tx.execute(
        "CREATE TEMP TABLE origin_events AS SELECT e.* FROM origin o JOIN ai_call_events e ON e.ai_call_id = o.id"
        " WHERE event_type IN ('status_changed', 'finished', 'failed', 'cancel_requested', 'cancelled')"
        " OR message = 'External Mogplex run accepted' ORDER BY e.ai_call_id, e.seq"
    )
    # An index is built from all rows faster than it is kept up to date row by row.
    indexes = tx.all(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        " AND tbl_name IN ('ai_calls', 'ai_call_events')"
    )
    for index in indexes:
        tx.execute(f"DROP INDEX {index['name']}")
    number = 0
    while missing > 0:
        number += 1
        missing -= _copy(tx, number, missing)
    tx.execute("DROP TABLE temp.origin")
    tx.execute("DROP TABLE temp.origin_events")
    for index in indexes:
        tx.execute(index["sql"])
    _lengthen(tx, user_id, seed, now)


def _copy(tx: Tx, number: int, limit: int) -> int:
    """One more fortnight: the same calls and runs under new ids; returns how many calls."""
    prefix, shift = f"{number:08x}", number * WINDOW_DAYS * DAY_US
    cursor = tx.execute(
        f"INSERT INTO ai_calls (id, {_CALL_COLUMNS}, started_at, completed_at, status, error, conversation_id,"
        " repo_id, cancel_requested_at, control_state, runtime_command_id, tool_calls_count, tool_calls, metadata)"
        f" SELECT ?1 || substr(a.id, 9), {_CALL_COLUMNS}, started_at - ?2, completed_at - ?2, status, error,"
        " conversation_id, repo_id, cancel_requested_at - ?2, control_state, runtime_command_id, 0, '[]', metadata"
        " FROM (SELECT id FROM origin LIMIT ?3) o JOIN ai_calls a ON a.id = o.id",
        (prefix, shift, limit),
    )
    last = tx.one("SELECT MAX(id) FROM (SELECT id FROM origin LIMIT ?)", (limit,))
    bound = (prefix, shift, last[0] if last else "")
    tx.execute(
        "INSERT INTO external_agent_runs (id, user_id, repo_id, ai_call_id, idempotency_key, request_hash, harness,"
        " status, prompt, base_branch, working_branch, create_branch, root_directory, runtime_provider,"
        " runtime_run_id, error, metadata, created_at, updated_at)"
        " SELECT ?1 || substr(r.id, 9), user_id, repo_id, ?1 || substr(o.id, 9), idempotency_key || '-' || ?1,"
        " request_hash, harness, status, prompt, base_branch, working_branch, create_branch, root_directory,"
        " runtime_provider, runtime_run_id, error, metadata, created_at - ?2, updated_at - ?2"
        " FROM origin o JOIN external_agent_runs r ON r.ai_call_id = o.id WHERE o.id <= ?3",
        bound,
    )
    tx.execute(
        "INSERT INTO ai_call_events (id, ai_call_id, user_id, conversation_id, repo_id, event_type, message,"
        " payload, created_at)"
        " SELECT ?1 || substr(id, 9), ?1 || substr(ai_call_id, 9), user_id, conversation_id, repo_id, event_type,"
        " message, CASE event_type WHEN 'started' THEN json_set(payload, '$.external_run_id',"
        " ?1 || substr(json_extract(payload, '$.external_run_id'), 9)) ELSE payload END, created_at - ?2"
        " FROM origin_events WHERE ai_call_id <= ?3",
        bound,
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
    rows, tail = [], new_uuid(rng)[8:]
    for index in range(missing // 2):
        path, line = pick(rng, about.paths), whole(rng, 1, 400)
        # Written by hand, not by the encoder: nothing in it needs escaping, and there are many.
        shared = (
            f'"tool_call_id":"call_{index:06d}","input":{{"path":"{path}","startLine":{line},"endLine":{line + 40}}},'
            f'"input_preview":"{path}:{line}","step_number":{index + 1}'
        )
        done = (
            f'{{{shared},"duration_ms":310,"success":true,"output":"41 lines","output_preview":"41 lines"}}'
        )
        at = first + 2 * index * _LONG_PACE_US
        key = f"{2 * index:08x}{tail}", f"{2 * index + 1:08x}{tail}"
        rows.append((key[0], "tool_started", "Tool started: readFile", f"{{{shared}}}", at))
        rows.append((key[1], "tool_finished", "Tool finished: readFile", done, at + _LONG_PACE_US))
    tx.execute("SELECT 1").executemany(
        "INSERT INTO ai_call_events (id, ai_call_id, user_id, repo_id, tool_name, event_type, message, payload,"
        f" created_at) SELECT ?1, '{call['id']}', '{user_id}', '{call['repo_id']}', 'readFile', ?2, ?3, ?4, ?5",
        rows,
    )
