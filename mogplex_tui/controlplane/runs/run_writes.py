"""Write the rows of /api/v1/mogplex/runs (external_agent_runs).

Changes of these rows are not published (realtime.md §3.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..calls import call_writes
from ..db.database import Tx
from ..db.payload_redaction import dumps

LAUNCH_FAILED = "External Mogplex run failed"
TERMINAL = ("success", "failed", "cancelled")


def insert_run(
    tx: Tx,
    *,
    user_id: str,
    repo_id: str,
    ai_call_id: str,
    idempotency_key: str,
    request_hash: str,
    harness: str,
    prompt: str,
    base_branch: str,
    working_branch: str,
    created_at: int,
    id: str | None = None,
    create_branch: bool = False,
    status: str = "pending",
    metadata: Mapping[str, Any] | None = None,
    updated_at: int | None = None,
    **columns: Any,
) -> str:
    """Insert a run and return its id.

    Raises sqlite3.IntegrityError if the user has used the idempotency key before. `columns` can set
    the remaining columns: sandbox_record_id, root_directory, conversation_id, workspace_session_id,
    mode, runtime_provider, runtime_run_id and error.
    """
    run_id = id or tx.new_id()
    tx.insert(
        "external_agent_runs",
        id=run_id,
        user_id=user_id,
        repo_id=repo_id,
        ai_call_id=ai_call_id,
        idempotency_key=idempotency_key,
        request_hash=request_hash,
        harness=harness,
        prompt=prompt,
        base_branch=base_branch,
        working_branch=working_branch,
        create_branch=int(create_branch),
        status=status,
        metadata=dumps(dict(metadata or {})),
        created_at=created_at,
        updated_at=created_at if updated_at is None else updated_at,
        **columns,
    )
    return run_id


def set_run(tx: Tx, run_id: str, at: int, **columns: Any) -> bool:
    """Update columns and `updated_at` of a run that has not ended.

    If the run has ended, nothing is changed and the result is False. For example, a run that was
    cancelled while a worker boots its sandbox stays cancelled (v1.md §7.6).
    """
    row = tx.one("SELECT status FROM external_agent_runs WHERE id = ?", (run_id,))
    if row is None or row["status"] in TERMINAL:
        return False
    tx.update("external_agent_runs", run_id, updated_at=at, **columns)
    return True


def overwrite(tx: Tx, run_id: str, at: int, **columns: Any) -> None:
    """Update columns of a run, even if it has ended.

    This imitates a defect of the hosted service's worker (v1.md §7.6).
    """
    tx.update("external_agent_runs", run_id, updated_at=at, **columns)


def give_up(tx: Tx, run_id: str, at: int, error: str, *, hosted: bool, message: str | None = None) -> None:
    """End a run as failed because it cannot be started.

    If `hosted` is True, only the run ends, and an event with the text `message` is added unless it
    is None; the call stays pending until the reaper ends it hours later (v1.md §7.4, §7.6). If
    `hosted` is False, the call and the run end, and `message` is the text of the event; None gives
    a default text (runtime-model.md §9).
    """
    row = tx.one("SELECT ai_call_id FROM external_agent_runs WHERE id = ?", (run_id,))
    if row is None:
        return
    payload = {"error": error}
    if not hosted:
        call_error = message or LAUNCH_FAILED
        call_writes.finish_call(
            tx, row["ai_call_id"], "failed", at, error=error, message=call_error, payload=payload
        )
        mirror_call(tx, run_id, at)
    elif set_run(tx, run_id, at, status="failed", error=error) and message is not None:
        call_writes.append_event(
            tx, call_id=row["ai_call_id"], type="failed", message=message, payload=payload, at=at
        )


def mirror_call(tx: Tx, run_id: str, at: int) -> str | None:
    """If a run's call has ended, copy the call's status and error to the run.

    Returns the status of the call, or None if the call has not ended.
    """
    call = tx.one(
        "SELECT c.status, c.error FROM external_agent_runs r JOIN ai_calls c ON c.id = r.ai_call_id"
        " WHERE r.id = ?",
        (run_id,),
    )
    if call is None or call["status"] not in TERMINAL:
        return None
    set_run(tx, run_id, at, status=call["status"], error=call["error"])
    status: str = call["status"]
    return status
