"""Copy finished chats and control runs into a few busy hours.

Without these copies the live work of the simulator would cost many times what an hour of the
history costs, and a client would rightly report unusual spending on an ordinary day.
"""

from __future__ import annotations

from ..db.clock import HOUR_US
from ..db.database import Tx
from ..workload.rng import stream, whole

# The busy hours, as hours before now: those of the last half day, and of the day before. Others stay as they are, so
# that a hundred rows still span many hours.
HOURS_AGO = (8, 9, 10, 11, 25, 26, 27, 28, 29, 30)
# Copies in one hour. They cost about as much as an hour of live work (simulator/work_arrivals.py).
_FEWEST, _MOST = 180, 230
# A copied call costs at least this many dollars, unless it failed: most live work is made of larger calls than chats.
_LEAST_COST = 0.02
_CALL_COLUMNS = (
    "user_id, type, model, input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens,"
    " reasoning_tokens, cost_usd, cost_source, gateway_generation_id, gateway_generation_ids, duration_ms, status,"
    " error, conversation_id, repo_id, control_state, runtime_command_id, metadata"
)
# A copy has the number of the copy as the second group of its id.
_COPY_ID = "substr({0}, 1, 9) || printf('%04x', number) || substr({0}, 14)"


def write_busy_hours(tx: Tx, user_id: str, seed: int, now: int) -> None:
    """Copy calls of a user, so that each busy hour has as much work as a live hour.

    The copied calls are chats and control runs that ended at least 30 hours ago.
    """
    before = now - 30 * HOUR_US
    calls = tx.all(
        "SELECT id, started_at FROM ai_calls WHERE user_id = ? AND job_run_id IS NULL"
        " AND cost_usd >= iif(status = 'failed', 0, ?) AND model NOT LIKE 'harness:%'"
        " AND status IN ('success', 'failed') AND completed_at < ? ORDER BY id",
        (user_id, _LEAST_COST, before),
    )
    rng = stream(seed, "busy hours")
    copies: list[tuple[str, int, int]] = []
    for hour in HOURS_AGO:
        for _ in range(whole(rng, _FEWEST, _MOST)):
            call = calls[len(copies) % len(calls)]
            started = now - hour * HOUR_US + whole(rng, 0, HOUR_US)
            copies.append((call["id"], len(copies) // len(calls) + 1, call["started_at"] - started))
    tx.execute("CREATE TEMP TABLE copies (call_id TEXT, number INTEGER, shift INTEGER)")
    tx.execute("SELECT 1").executemany("INSERT INTO copies VALUES (?, ?, ?)", copies)
    tx.execute(
        f"INSERT INTO ai_calls (id, {_CALL_COLUMNS}, started_at, completed_at)"
        f" SELECT {_COPY_ID.format('id')}, {_CALL_COLUMNS}, started_at - shift, completed_at - shift"
        " FROM copies CROSS JOIN ai_calls ON id = call_id"
    )
    tx.execute(
        "INSERT INTO ai_call_events (id, ai_call_id, user_id, conversation_id, repo_id, event_type, tool_name,"
        f" message, payload, created_at) SELECT {_COPY_ID.format('e.id')}, {_COPY_ID.format('call_id')}, user_id,"
        " conversation_id, repo_id, event_type, tool_name, message, payload, created_at - shift"
        " FROM copies CROSS JOIN ai_call_events e ON e.ai_call_id = call_id ORDER BY call_id, number, seq"
    )
    tx.execute("DROP TABLE temp.copies")
