"""Saves the ids and names of loaded records, for shell completions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from mogplex_tui.live.completion_records import LONGEST, KnownRecord
from mogplex_tui.live.store import AnyRowSet

if TYPE_CHECKING:
    from mogplex_tui.live.run_row import RunRow
    from mogplex_tui.live.session import Session


def save_known_records(session: Session) -> None:
    """Save the ids and names of the records that the session has read.

    An error while writing is reported and not raised.
    """
    if session.directory is None:
        return
    known, names = session.known_records, session.names
    # Most commands read the names of repositories and agents without their lists.
    known.remember("projects", (KnownRecord(*pair) for pair in names.repos.items()))
    known.remember("agents", (KnownRecord(*pair) for pair in names.agents.items()))
    for name, rows in session.store.sets():
        if rows.rows and name == "runs":
            known.remember(name, records_of_runs(rows.rows.values()))
        elif rows.rows:
            known.remember(name, _records(name, rows), is_complete=_is_complete(rows))
    known.save()


def records_of_runs(rows: Iterable[RunRow]) -> list[KnownRecord]:
    """Return the id of each run, newest first, as records for completions."""
    ordered = sorted(rows, key=lambda row: row.began.timestamp() if row.began else 0.0, reverse=True)
    ids = (row.run_id or row.call_id or row.job_id for row in ordered)
    return [KnownRecord(id) for id in ids if id]


def _is_complete(rows: AnyRowSet) -> bool:
    """Return whether the rows are all the records that the service has."""
    was_read = rows.freshness.as_of is not None
    has_all = rows.total is None or rows.total <= len(rows.rows)
    return was_read and has_all and all(part.freshness.error is None for part in rows.sources.values())


def _records(name: str, rows: AnyRowSet) -> Iterator[KnownRecord]:
    from mogplex_tui.live import redact
    from mogplex_tui.operate.kind_rows import name_of
    from mogplex_tui.operate.kinds.registry import load_kind

    kind = load_kind(name)
    for entry in rows.rows.values():
        label = "" if entry.row is None else name_of(kind, entry)
        # A label in quotation marks is the beginning of a text and not a name; neither is a label over the limit.
        is_name = len(label) <= LONGEST and not label.startswith("“") and label != entry.key
        is_name = is_name and redact.text(label) == label
        yield KnownRecord(entry.key, label if is_name else "")
