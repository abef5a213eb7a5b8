"""Rows of a kind on stdout: as a table, as JSON or as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mogplex_tui.api.rules import is_uuid
from mogplex_tui.cli.common import say
from mogplex_tui.cli.kind_arguments import json_of
from mogplex_tui.cli.output import Column as Shown
from mogplex_tui.cli.output import exact_text
from mogplex_tui.live import redact
from mogplex_tui.operate import messages, words
from mogplex_tui.operate.model import Kind, Moment, Row

if TYPE_CHECKING:
    from mogplex_tui.cli.output import Output
    from mogplex_tui.live.collection import Entry


def print_rows(
    kind: Kind[Row],
    output: Output,
    moment: Moment,
    rows: Sequence[Entry[Row]],
    unreadable: Sequence[Entry[Row]],
) -> None:
    """Print rows in the form that was asked for, and say how many could not be read."""
    if output.form == "json":
        for entry in rows:
            output.object(kind.noun, json_of(entry), redacted=True)
        for entry in unreadable:
            output.object(kind.noun, {"unreadable": entry.why, "raw": redact.payload(entry.raw)})
        return
    if output.form == "csv":
        print_csv(kind, output, rows)
    elif rows:
        whole, columns = output.form == "wide", kind.columns
        head = [
            Shown("ID"),
            *(Shown(each.title, each.format.align == "right", each.layout.priority) for each in columns),
        ]
        cells = [
            [
                entry.key if whole or not is_uuid(entry.key) else words.short_id(entry.key),
                *(
                    exact_text(each.value(entry.row)) or words.DASH
                    if whole
                    else each.cell(entry.row, moment).text
                    for each in columns
                ),
            ]
            for entry in rows
            if entry.row is not None
        ]
        output.table(head, cells, whole=whole)
    if unreadable:
        count = words.plural(len(unreadable), "row")
        say(output.shown(messages.unreadable(count, unreadable[0].why or "")))


def print_csv(kind: Kind[Row], output: Output, rows: Iterable[Entry[Row]]) -> None:
    """Print rows as CSV, under the service's names of the values."""
    columns = kind.columns
    output.csv(["id", *(each.field for each in columns)])
    for entry in rows:
        if entry.row is not None:
            row = entry.row
            output.csv([entry.key, *(exact_text(each.value(row)) for each in columns)])
