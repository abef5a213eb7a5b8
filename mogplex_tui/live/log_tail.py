"""The log lines of a record in order, merged from repeated reads of its logs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mogplex_tui.live import redact
from mogplex_tui.live.run_event_tail import BatchResult

# Terminal escape sequences for colours and cursor movement, which the tail does not use.
_SEQUENCES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)")


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a log: the log's name, the text, and its time and JSON if known."""

    source: str
    text: str
    at: datetime | None = None
    tone: str = "plain"
    raw: Mapping[str, object] | None = None
    key: str = ""
    version: int = 0


def lines_of(source: str, text: str | None, tone: str = "plain") -> list[LogLine]:
    """Split the text of a log into lines, removing secrets and escape sequences.

    If carriage returns overwrite a line, only its last state is kept.
    """
    if not text:
        return []
    plain = redact.text(_SEQUENCES.sub("", text.replace("\r\n", "\n"))).removesuffix("\n")
    return [LogLine(source, line.rstrip("\r").rpartition("\r")[2], tone=tone) for line in plain.split("\n")]


class LogTail:
    """The lines of one or more logs, with a key for each line.

    Each read returns the complete logs, and lines that are not known yet are appended. If a log no
    longer begins with the known lines, it was restarted: its old lines are dropped.
    """

    def __init__(self) -> None:
        self.lines: list[LogLine] = []
        self._keys: dict[str, list[str]] = {}
        self._index: dict[str, int] = {}
        self._line_number = 0

    def __len__(self) -> int:
        return len(self.lines)

    def get(self, key: str) -> LogLine | None:
        """Return the line with a key, or None."""
        place = self._index.get(key)
        return None if place is None else self.lines[place]

    def index_of(self, key: str) -> int | None:
        """Return the position of the line with a key, or None."""
        return self._index.get(key)

    def take(self, lines: Iterable[LogLine]) -> BatchResult:
        """Merge the lines of all logs from one read; return which lines changed."""
        reading: dict[str, list[LogLine]] = {}
        for line in lines:
            reading.setdefault(line.source, []).append(line)
        added = BatchResult()
        for source in list(self._keys):
            if not self._continues(source, reading.get(source, [])):
                self._forget(source)
                added.reordered = True
        for source, source_lines in reading.items():
            self._append(self._keys.setdefault(source, []), source_lines, added)
        return added

    def _continues(self, source: str, source_lines: Sequence[LogLine]) -> bool:
        known = [self.lines[self._index[key]].text for key in self._keys[source]]
        if len(source_lines) < len(known):
            return False
        # The last line may have been incomplete.
        return all(
            now.text == before or (place == len(known) - 1 and now.text.startswith(before))
            for place, (before, now) in enumerate(zip(known, source_lines, strict=False))
        )

    def _forget(self, source: str) -> None:
        gone = set(self._keys.pop(source))
        self.lines = [line for line in self.lines if line.key not in gone]
        self._index = {line.key: place for place, line in enumerate(self.lines)}

    def _append(self, keys: list[str], source_lines: Sequence[LogLine], added: BatchResult) -> None:
        if (
            keys
            and (last := self.lines[self._index[keys[-1]]]).text != (now := source_lines[len(keys) - 1]).text
        ):
            self.lines[self._index[last.key]] = replace(now, key=last.key, version=last.version + 1)
            added.changed.append(last.key)
        for line in source_lines[len(keys) :]:
            self._line_number += 1
            key = f"{line.source} {self._line_number}"
            self._index[key] = len(self.lines)
            self.lines.append(replace(line, key=key))
            keys.append(key)
            added.appended += 1
