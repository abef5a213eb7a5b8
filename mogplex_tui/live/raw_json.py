"""Read the complete JSON of a record; a row keeps only some of its fields."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from mogplex_tui.api.budget import Priority
from mogplex_tui.live import redact
from mogplex_tui.live.run_row import RunRow, RunSource

if TYPE_CHECKING:
    from mogplex_tui.api.models.base import Rows
    from mogplex_tui.live.runs import Runs

R = TypeVar("R")


async def read(runs: Runs, row: RunRow) -> dict[str, object] | None:
    """Read the JSON of the record that a row shows, with secrets removed.

    The row is that of a call, a v1 run or a job. One request is sent; a row that could not be
    parsed contains its JSON and needs no request. Returns None if the service no longer has the
    record or has no route for it. Raises MogplexError (observability.md §2, v1.md §5.4, §7.5).
    """
    if row.raw is not None:
        value = json.loads(row.raw)
        return value if isinstance(value, dict) else {"record": value}
    client, raw = runs.session.client.at(Priority.TABLE), None
    if row.source is RunSource.CALL and row.started_at is not None and runs.listed:
        # There is no route for one call, but its start time finds it.
        page = await client.observability.calls(since=row.started_at, until=row.started_at)
        raw = _named(row.key, page.calls, lambda call: call.id)
    elif row.run_id is not None:
        raw = (await client.runs.get(row.run_id)).model_dump(mode="json")
    elif row.automation_id is not None:
        raw = _named(row.key, await client.automations.runs(row.automation_id), lambda run: run.id)
    return redact.payload(raw) if isinstance(raw, dict) else None


def as_known(row: RunRow) -> dict[str, object]:
    """Return the fields of a row as JSON, for use when its record cannot be read."""
    known = {name: getattr(row, name) for name in row._fields if name not in ("raw", "queued")}
    plain: dict[str, object] = json.loads(json.dumps(known, default=str))
    return redact.payload(plain)


def _named(key: str, rows: Rows[R], id_of: Callable[[R], str]) -> object:
    return next((raw for record, raw in zip(rows, rows.raws, strict=True) if id_of(record) == key), None)
