"""The log of one record: its lines, and the feed that reads them."""

from __future__ import annotations

from collections.abc import Callable

from mogplex_tui.api.budget import Priority
from mogplex_tui.live.log_tail import LogTail
from mogplex_tui.live.run_event_tail import BatchResult
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.live.session import Session
from mogplex_tui.operate.log_source import LogSource
from mogplex_tui.operate.model import AnyEntry, AnyKind
from mogplex_tui.screens.list_model import AnyRow

# Reads of the log after the record has ended, before polling stops.
LATE_READS = 2


class RecordLog:
    """The lines of one record's log, and the feed that reads them."""

    def __init__(
        self,
        session: Session,
        kind: AnyKind,
        logs: LogSource[AnyRow],
        entry: Callable[[], AnyEntry],
        added: Callable[[BatchResult], None],
    ) -> None:
        """Create the log and its feed.

        `entry` returns the record as last read. `added` is called after lines were added or changed.
        """
        self._session, self._logs, self._entry, self._added = session, logs, entry, added
        self.lines = LogTail()
        self.empty_text = logs.empty
        self._late_reads = 0
        self.feed = Feed(
            # Two screens of the same record have separate lines.
            f"log:{kind.name}:{entry().key}:{id(self)}",
            self._read,
            Priority.TAIL,
            every=logs.poll,
            poll_without_realtime=logs.poll_without_realtime,
            gap=0.5,
            tables=logs.tables,
            metered=lambda: logs.uses_v1(session),
            idle=lambda: self._late_reads >= LATE_READS,
        )

    async def _read(self) -> bool:
        entry, client = self._entry(), self._session.client.at(Priority.TAIL)
        if entry.row is None:
            # Without a readable record it is not known which logs belong to it.
            return False
        added = self.lines.take(await self._logs.read(client, self._session, entry.key, entry.row))
        now = self._entry().row
        self._late_reads = self._late_reads + 1 if now is not None and self._logs.is_over(now) else 0
        if added:
            self._added(added)
        return bool(added)

    def record_changed(self) -> None:
        """Read the log from the changed record, if the log is part of the record.

        This sends no request. A log that is read over v1 is not part of the record.
        """
        if not self._logs.uses_v1(self._session):
            self._session.scheduler.refresh(self.feed)

    def raw_line(self, key: str) -> dict[str, object] | None:
        """Return the JSON that a log line was made from, or None if there is no such line."""
        line = self.lines.get(key)
        if line is None:
            return None
        return dict(line.raw) if line.raw is not None else {"log": line.source, "line": line.text}
