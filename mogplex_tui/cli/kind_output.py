"""Prints the records of a kind on stdout: as a table, as JSON or as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from mogplex_tui.api.request_checks import is_uuid
from mogplex_tui.cli.command_context import say
from mogplex_tui.cli.output import Column as TextColumn
from mogplex_tui.operate import export_fields, formatting, messages
from mogplex_tui.operate.model import Kind, RenderTime, Row
from mogplex_tui.operate.serialization import exact_text

if TYPE_CHECKING:
    from mogplex_tui.cli.output import Output
    from mogplex_tui.operate.kind_rows import ListedRow


def print_rows(
    kind: Kind[Row],
    output: Output,
    render_time: RenderTime,
    rows: Sequence[ListedRow[Row]],
    unreadable: Sequence[ListedRow[Row]],
) -> None:
    """Print rows in the chosen format, and the number of records that were unreadable."""
    if output.form == "json":
        for entry in rows:
            print_json(kind, output, entry)
        for entry in unreadable:
            output.object(kind.noun, export_fields.unreadable_fields(entry))
        return
    if output.form == "csv":
        print_csv(kind, output, rows)
    elif rows:
        _print_table(kind, output, render_time, rows)
    if unreadable:
        count = formatting.plural(len(unreadable), "row")
        say(output.safe_text(messages.unreadable_record(count, unreadable[0].unreadable_reason or "")))


def _print_table(
    kind: Kind[Row], output: Output, render_time: RenderTime, rows: Sequence[ListedRow[Row]]
) -> None:
    is_wide, columns = output.form == "wide", kind.columns
    head = [
        TextColumn("ID"),
        *(
            TextColumn(
                column.title or column.name.upper(), column.format.align == "right", column.layout.priority
            )
            for column in columns
        ),
    ]
    cells = []
    for entry in rows:
        if entry.row is None:
            continue
        row, id = entry.row, _id_of(kind, entry)
        line = [id if is_wide or not is_uuid(id) else formatting.short_id(id)]
        for column in columns:
            exact = exact_text(column.value(row)) or formatting.DASH if is_wide else None
            line.append(column.cell(row, render_time).text if exact is None else exact)
        cells.append(line)
    output.table(head, cells, whole=is_wide)


def _id_of(kind: Kind[Row], entry: ListedRow[Row]) -> str:
    """Return the value of the field `id` in a record's JSON output."""
    return str(kind.fields["id"](entry.row)) if "id" in kind.fields and entry.row is not None else entry.key


def print_json(
    kind: Kind[Row], output: Output, entry: ListedRow[Row], extra: Mapping[str, object] | None = None
) -> None:
    """Print a record as a JSON object, without secrets.

    `extra` are fields to add to those of the record.
    """
    fields = export_fields.record_fields(kind, entry)
    if kind.fields and entry.row is not None:
        output.object(kind.noun, fields)
    else:
        output.object(kind.noun, {**fields, **(extra or {})}, redacted=True)


def print_record(kind: Kind[Row], output: Output, entry: ListedRow[Row], *plain: str) -> None:
    """Print a record in the chosen format: as JSON, as CSV, or as a line of text.

    `plain` are the cells of the line of text.
    """
    if output.form == "json":
        print_json(kind, output, entry)
    elif output.form == "csv":
        print_csv(kind, output, [entry])
    else:
        output.line(*plain)


def print_csv(kind: Kind[Row], output: Output, rows: Iterable[ListedRow[Row]]) -> None:
    """Print rows as CSV, below a header with the service's field names."""
    output.csv(export_fields.csv_header(kind))
    for entry in rows:
        if entry.row is not None:
            output.csv(export_fields.csv_cells(kind, entry.key, entry.row))
