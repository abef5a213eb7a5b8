"""The last known rows of runs, stored on disk.

They allow the console to show data as soon as it starts.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

from mogplex_tui.api.clock import aware
from mogplex_tui.config.paths import write_private
from mogplex_tui.config.state_file import FileErrorReporter, StateFile
from mogplex_tui.live.failure_class import FailureClass
from mogplex_tui.live.run_row import Cost, RunRow, RunSource
from mogplex_tui.live.store import RowSet

log = logging.getLogger("mogplex.live")

MAX_RUNS = 300
# Fields that are not text.
_TIMES = {"created_at", "started_at", "ended_at"}
_COUNTS = {
    "duration_ms",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "tokens",
    "pull_number",
    "issue_number",
}
_MARKS = {"before_cancel", "cost_listed", "external", "cancel_requested"}


def save(directory: Path, rows: Mapping[str, RunRow], at: datetime) -> None:
    """Store the newest rows and the time at which they were read.

    An error is only logged.
    """
    newest = sorted(
        rows.values(), key=lambda row: row.began or datetime.min.replace(tzinfo=UTC), reverse=True
    )
    body = {"at": at.isoformat(), "runs": [_packed(row) for row in newest[:MAX_RUNS]]}
    try:
        write_private(directory / "picture.json", json.dumps(body))
    except OSError as error:
        log.warning("picture not written: %s", error)


def load(
    directory: Path,
    rows: RowSet[RunRow],
    now: datetime,
    monotonic: float,
    errors: FileErrorReporter | None = None,
) -> None:
    """Load cached rows into an empty row set, and set its freshness to their age.

    A damaged file is renamed.
    """
    file = StateFile(directory / "picture.json", "the list of runs before the first answer", errors)
    body = file.read(_is_cached_startup)
    if body is None:
        return
    at, stored = datetime.fromisoformat(body["at"]), body["runs"]
    age = max(0.0, (now - at).total_seconds())
    pairs = [(row.key, row) for row in map(_unpacked, stored) if row is not None]
    rows.freshness.as_of_wall = at
    rows.freshness.as_of = monotonic - age
    rows.apply(pairs)


def _is_cached_startup(body: Any) -> bool:
    try:
        # The age of a time without a zone is unknown.
        return datetime.fromisoformat(body["at"]).tzinfo is not None and isinstance(body["runs"], list)
    except (KeyError, TypeError, ValueError):
        return False


def _packed(row: RunRow) -> dict[str, object]:
    out: dict[str, object] = {}
    for name, value in row._replace(queued=None)._asdict().items():
        if value is None:
            continue
        if isinstance(value, datetime):
            value = value.isoformat()
        elif isinstance(value, Decimal):
            value = str(value)
        elif isinstance(value, Enum):
            value = value.value
        out[name] = value
    return out


def _unpacked(raw: Any) -> RunRow | None:
    """Return the row that JSON describes.

    Returns None if the JSON is damaged or was written by another version.
    """
    try:
        values = {name: _value(name, raw[name]) for name in RunRow._fields if name in raw}
        return RunRow(**values)
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return None


def _value(name: str, value: Any) -> Any:
    if name in _TIMES:
        return aware(datetime.fromisoformat(value))
    if name == "cost":
        return Decimal(value)
    if name == "source":
        return RunSource(value)
    if name == "failure_class":
        return FailureClass(value)
    if name == "cost_source":
        return Cost(value)
    expected_type = bool if name in _MARKS else int if name in _COUNTS else str
    if type(value) is not expected_type:
        raise ValueError(f"{name} is no {expected_type.__name__}")
    return value
