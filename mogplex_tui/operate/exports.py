"""The text of exported lists, records and runs: CSV, JSON or Markdown.

CSV and JSON have the fields that commands print. Texts are made line by line, so that a list of many
thousand rows need not be in memory as one text; they may be made in a thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic

from mogplex_tui.live.run_event_tail import EventLine
from mogplex_tui.live.run_row import RunRow
from mogplex_tui.operate import export_fields, formatting, markdown
from mogplex_tui.operate.export_fields import EVENT_FIELDS
from mogplex_tui.operate.kind_rows import ListedRow
from mogplex_tui.operate.model import Column, Kind, RenderTime, Row
from mogplex_tui.operate.run_export_fields import FIELDS
from mogplex_tui.operate.serialization import Scrubber, exact_text, json_text

# The fields of a run that Markdown shows as blocks or not at all.
_NOT_LISTED = frozenset({"prompt", "error", "raw", "unreadable"})
_LONGEST_CELL = 2_000


class ExportFormat(StrEnum):
    """The format of an exported file; its value is also the file's suffix."""

    CSV = "csv"
    JSON = "json"
    MARKDOWN = "md"


@dataclass(frozen=True, slots=True)
class ExportSource:
    """The context that exported data is from, and the time of the export."""

    context: str
    address: str
    at: datetime
    scrubber: Scrubber

    def line(self, text: str) -> str:
        """Return a text as one line of Markdown."""
        return markdown.escaped(self.scrubber.line(text, _LONGEST_CELL))

    def heading(self, title: str, *notes: str) -> str:
        """Return the head of a Markdown file: a title, notes, and the data's origin."""
        origin = f"Exported {formatting.utc(self.at)} from {self.context} ({self.address})."
        lines = "\n\n".join(self.line(note) for note in (*notes, origin))
        return f"# {self.line(title)}\n\n{lines}\n\n"


@dataclass(frozen=True, slots=True)
class ListExport(Generic[Row]):
    """The export of a list's rows, in the list's order.

    `notes` say which rows they are.
    """

    kind: Kind[Row]
    entries: Sequence[ListedRow[Row]]
    notes: Sequence[str]
    source: ExportSource

    @property
    def subject(self) -> str:
        """The word for the exported data in the file's name."""
        return self.kind.name

    @property
    def count(self) -> str:
        """The number of exported records with their noun."""
        return formatting.plural(len(self.entries), self.kind.noun)

    def formats(self) -> Mapping[ExportFormat, str]:
        """Return the possible formats with a description of each."""
        return {
            ExportFormat.CSV: "the columns, exact values",
            ExportFormat.JSON: "all fields of each record",
            ExportFormat.MARKDOWN: "a table to read",
        }

    def chunks(self, format: ExportFormat) -> Iterator[str]:
        """Yield the text of the file."""
        if format is ExportFormat.CSV:
            return self._csv()
        return self._json() if format is ExportFormat.JSON else self._markdown()

    def _csv(self) -> Iterator[str]:
        scrubber = self.source.scrubber
        yield f"{scrubber.csv(export_fields.csv_header(self.kind))}\n"
        for entry in self.entries:
            if entry.row is not None:
                yield f"{scrubber.csv(export_fields.csv_cells(self.kind, entry.key, entry.row))}\n"

    def _json(self) -> Iterator[str]:
        kind = self.kind
        return _json_array(
            self.source.scrubber,
            (
                export_fields.unreadable_fields(entry)
                if entry.row is None
                else export_fields.record_fields(kind, entry)
                for entry in self.entries
            ),
        )

    def _markdown(self) -> Iterator[str]:
        yield self.source.heading(self.kind.title, *self.notes)
        columns, moment, scrubber = self.kind.columns, RenderTime(self.source.at), self.source.scrubber
        yield from markdown.table(
            (column.title or column.name.upper() for column in columns),
            (column.format.align == "right" for column in columns),
            (
                [scrubber.line(_cell(column, entry.row, moment), _LONGEST_CELL) for column in columns]
                for entry in self.entries
                if entry.row is not None
            ),
        )
        unreadable = sum(entry.row is None for entry in self.entries)
        if unreadable:
            yield f"\n{formatting.plural(unreadable, self.kind.noun)} could not be read.\n"


@dataclass(frozen=True, slots=True)
class RunExport:
    """The export of a run with its events; `notes` say which events are missing."""

    row: RunRow
    name: str
    lines: Sequence[EventLine]
    notes: Sequence[str]
    source: ExportSource

    @property
    def subject(self) -> str:
        """The words for the run in the file's name."""
        return f"run-{formatting.short_id(self.row.run_id or self.row.key)}"

    @property
    def count(self) -> str:
        """A phrase that says what is exported."""
        return f"{self.name} with {formatting.plural(len(self.lines), 'event')}"

    def formats(self) -> Mapping[ExportFormat, str]:
        """Return the possible formats with a description of each."""
        return {
            ExportFormat.MARKDOWN: "the run, its prompt and its events to read",
            ExportFormat.JSON: "the run and its events, with all payloads",
            ExportFormat.CSV: "the events only",
        }

    def chunks(self, format: ExportFormat) -> Iterator[str]:
        """Yield the text of the file. Raises OSError if a stored payload cannot be read."""
        if format is ExportFormat.CSV:
            return self._csv()
        return self._json() if format is ExportFormat.JSON else self._markdown()

    def _event(self, line: EventLine) -> dict[str, object]:
        """Return the fields that commands print for an event.

        The event of a tool call also has the fields of the call's finish.
        """
        whole = line.as_json()
        return {
            "id": line.id,
            "run_id": self.row.run_id,
            "call_id": self.row.call_id,
            "at": line.at,
            "type": line.type,
            "tool": line.tool,
            "message": line.message,
            "payload": whole["payload"],
            "finish": whole.get("finish"),
        }

    def _csv(self) -> Iterator[str]:
        scrubber = self.source.scrubber
        yield f"{scrubber.csv((*EVENT_FIELDS, 'finish'))}\n"
        for line in self.lines:
            fields = self._event(line)
            finish = "" if fields["finish"] is None else json_text(fields["finish"])
            yield f"{scrubber.csv((*export_fields.event_csv(fields), finish))}\n"

    def _json(self) -> Iterator[str]:
        scrubber = self.source.scrubber
        run = {name: of(self.row) for name, of in FIELDS.items()}
        yield f'{{"run": {scrubber.json(run)},\n"events": '
        yield from _json_array(scrubber, map(self._event, self.lines))
        yield "}\n"

    def _markdown(self) -> Iterator[str]:
        row, source = self.row, self.source
        yield source.heading(f"{row.repo or ''} {self.name}".strip(), *self.notes)
        for name, of in FIELDS.items():
            text = exact_text(of(row)) if name not in _NOT_LISTED else ""
            if text:
                yield f"- {name.replace('_', ' ')}: {source.line(text)}\n"
        for title, long_text in (("Prompt", row.prompt), ("Error", row.error)):
            if long_text:
                yield f"\n## {title}\n\n{markdown.block(source.scrubber.block(long_text))}"
        yield f"\n## Events ({len(self.lines)})\n\n"
        yield from markdown.table(
            ("TIME", "EVENT", "TOOL", "MESSAGE", "TOOK", "RESULT"),
            (False, False, False, False, True, False),
            (
                [source.scrubber.line(cell, _LONGEST_CELL) for cell in _event_cells(line)]
                for line in self.lines
            ),
        )


Export = ListExport[Row] | RunExport


def _event_cells(line: EventLine) -> list[str]:
    message = line.preview if line.tool and line.preview else line.message
    result = "" if line.ok is None else "ok" if line.ok else f"failed {line.trouble or ''}".strip()
    took = "" if line.took_ms is None else formatting.millis(line.took_ms)
    return [formatting.utc(line.at), line.type, line.tool or "", message, took, result]


def _cell(column: Column[Row], row: Row, moment: RenderTime) -> str:
    """Return the text of a Markdown cell: as in the list, but times are exact."""
    value = column.value(row)
    return formatting.utc(value) if isinstance(value, datetime) else column.cell(row, moment).text


def _json_array(scrubber: Scrubber, items: Iterable[object]) -> Iterator[str]:
    """Yield the lines of a JSON array, one item per line."""
    start = "[\n"
    for item in items:
        yield f"{start}{scrubber.json(item)}"
        start = ",\n"
    yield "[]\n" if start == "[\n" else "\n]\n"
