"""The JSON objects and text lines of runs and events (v1.md §7.5, §8.5; observability.md §2, §6)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from mogplex_tui.cli.output import Column, json_text
from mogplex_tui.live import redact
from mogplex_tui.live.rows import duration_seconds
from mogplex_tui.live.tail import UNREADABLE
from mogplex_tui.operate import words
from mogplex_tui.operate.kinds import runs
from mogplex_tui.operate.model import Moment

if TYPE_CHECKING:
    from mogplex_tui.api.models.base import BadRow
    from mogplex_tui.api.models.events import Event
    from mogplex_tui.cli.output import Output
    from mogplex_tui.live.rows import RunRow

# The longest of the nine types (v1.md §8.5).
TYPE_WIDTH = len("cancel_requested")
COLUMNS = (
    Column("ID"),
    *(
        Column(each.title or "ERROR", right=each.format.align == "right", priority=each.layout.priority)
        for each in runs.KIND.columns
    ),
)


def run_object(row: RunRow) -> dict[str, object]:
    """Return a run as JSON fields: times aware, durations ms, `cost_usd` a decimal or None with its provenance."""
    return {
        "id": row.run_id or row.key,
        "source": row.source.value,
        "state": row.state,
        "live": row.live,
        "run_id": row.run_id,
        "call_id": row.call_id,
        "job_id": row.job_id,
        "automation_id": row.automation_id,
        "repo_id": row.repo_id,
        "repo": row.repo,
        "who": row.who,
        "harness": row.harness,
        "type": row.kind,
        "model": row.model,
        "branch": row.branch,
        "base_branch": row.base_branch,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
        "duration_ms": row.duration_ms,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "cached_tokens": row.cached_tokens,
        "tokens": row.tokens,
        "cost_usd": row.cost,
        "cost_source": row.cost_source.value,
        "error": row.error,
        "sandbox_id": row.sandbox_id,
        "sandbox": row.sandbox_name,
        "pull_request": row.pull_request,
        "cancel_requested": row.cancel_requested or row.state == "cancelling",
        "prompt": row.prompt,
        "unreadable": row.unreadable,
        "raw": None if row.raw is None else json.loads(row.raw),
    }


CSV_FIELDS = (
    "id", "source", "state", "run_id", "call_id", "job_id", "repo", "who", "harness", "type", "model", "branch",
    "created_at", "started_at", "ended_at", "duration_ms", "input_tokens", "output_tokens", "cached_tokens", "cost_usd",
    "cost_source", "error", "pull_request", "prompt",
)  # fmt: skip


def csv_cells(row: RunRow) -> list[str]:
    """Return a run as the cells of `CSV_FIELDS`; what is unknown is empty."""
    fields = run_object(row)
    found = (fields[name] for name in CSV_FIELDS)
    return [
        words.utc(each) if isinstance(each, datetime) else "" if each is None else str(each) for each in found
    ]


def print_run(output: Output, row: RunRow, *plain: str) -> None:
    """Print a run in the form that was asked for; `plain` is what the text of it is."""
    if output.as_json:
        output.object("run", run_object(row))
    elif output.form == "csv":
        output.csv(CSV_FIELDS)
        output.csv(csv_cells(row))
    else:
        output.line(*plain)


def run_cells(row: RunRow, now: datetime, *, whole: bool = False) -> list[str]:
    """Return a run as the cells of `COLUMNS`; the state is its word alone, the id short unless the `whole` is wanted."""
    moment = Moment(now)
    cells = {each.name: each.cell(row, moment).text for each in runs.KIND.columns}
    cells["state"] = row.state
    key = row.run_id or row.key
    return [key if whole else words.short_id(key), *cells.values()]


def summary(row: RunRow, now: datetime) -> str:
    """Return how a run stands in one sentence without its name."""
    parts = [row.state]
    took = duration_seconds(row, now)
    if took is not None:
        parts.append(f"{'after' if row.ended_at else 'for'} {words.seconds(took)}")
    text = " ".join(parts)
    if row.tokens is not None:
        text += f", {words.count(row.tokens)} tokens"
    if row.cost is not None:
        text += f", {words.money(row.cost, row.cost_source)}"
    # The sentence goes on, or ends with a stop of its own.
    return text + (f": {row.error.rstrip('.')}" if row.error else "")


def event_object(event: Event, row: RunRow) -> dict[str, object]:
    """Return an event as JSON fields, secrets removed (v1.md §8.4); `run_id` and `call_id` say whose it is."""
    return {
        "id": event.id,
        "run_id": row.run_id,
        "call_id": row.call_id,
        "at": event.created_at,
        "type": event.type,
        "tool": event.tool_name,
        "message": redact.text(event.message),
        "payload": redact.payload(event.payload),
    }


EVENT_FIELDS = ("id", "run_id", "call_id", "at", "type", "tool", "message", "payload")


def event_csv(fields: Mapping[str, object]) -> list[str]:
    """Return the fields of an event as the cells of `EVENT_FIELDS`; the payload is JSON."""
    cells = []
    for name in EVENT_FIELDS:
        value = fields.get(name)
        if isinstance(value, datetime):
            cells.append(words.utc(value))
        elif value is None or isinstance(value, str):
            cells.append(value or "")
        else:
            cells.append(json_text(value))
    return cells


def unreadable_object(bad: BadRow, row: RunRow) -> dict[str, object]:
    """Return an event that did not parse as JSON fields: why, and what came, secrets removed."""
    return {
        "run_id": row.run_id,
        "call_id": row.call_id,
        "type": UNREADABLE,
        "message": bad.why,
        "payload": redact.payload(bad.raw),
    }


def event_cells(event: Event, *, local: bool) -> list[str]:
    """Return an event as cells of a line: time, type, and what it says; local time for people, UTC for files."""
    at = words.clock(event.created_at) if local else words.utc(event.created_at)
    payload = redact.payload(event.payload)
    texts = {key: value for key, value in payload.items() if isinstance(value, str) and value}
    message: str | None = redact.text(event.message)
    if event.type == "tool_started":
        said = [event.tool_name or message, texts.get("input_preview")]
    elif event.type == "tool_finished":
        said = [event.tool_name or message, _how(payload), texts.get("error") or texts.get("output_preview")]
    else:
        detail = texts.get("pull_request_url") or texts.get("error") or texts.get("reason")
        said = [message, None if detail == message else detail]
    return [at, event.type.ljust(TYPE_WIDTH), *filter(None, said)]


def _how(payload: dict[str, object]) -> str:
    how = "failed" if payload.get("success") is False or payload.get("error") else "ok"
    took = payload.get("duration_ms")
    if isinstance(took, int | float) and not isinstance(took, bool):
        how += f" in {words.millis(took)}"
    return how
