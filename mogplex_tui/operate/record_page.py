"""Builds a record's page from its row: facts, links, long texts and JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from mogplex_tui.live import redact
from mogplex_tui.operate import formatting
from mogplex_tui.operate.model import Cell, Fact, Kind, Link, RenderTime, Row, Value

if TYPE_CHECKING:
    from mogplex_tui.live.collection import Entry
    from mogplex_tui.operate.kind_rows import ListedRow

_LONGEST_LINK = 60


class ShownFact(NamedTuple):
    """A formatted line of a record's page: a label, a text and its tone."""

    label: str
    text: str
    tone: str


class LinkTarget(NamedTuple):
    """The target of a link: a record, given by kind and key, or a filtered list.

    `span` is the time range in which the linked records were created, None if it is not known.
    `cells` are the columns to show for a record that is listed below the link to its list.
    """

    label: str
    text: str
    kind: str
    key: str | None = None
    filter: str = ""
    span: tuple[datetime, datetime | None] | None = None
    cells: tuple[Cell, ...] = ()


def facts_of(
    groups: Sequence[Sequence[Fact[Row]]], row: Row | None, moment: RenderTime, *, whole: bool = True
) -> list[list[ShownFact]]:
    """Return the facts of a row by group; no groups if the record could not be read.

    If `whole` is false, facts without a value and facts with the value zero are left out.
    """
    if row is None:
        return []
    return [
        [
            shown
            for fact in group
            if (shown := _fact(fact, row, moment)) is not None and (whole or _has_value(fact, row, shown))
        ]
        for group in groups
    ]


def _has_value(fact: Fact[Row], row: Row, shown: ShownFact) -> bool:
    value = fact.value(row)
    is_zero = isinstance(value, int | float | Decimal) and not isinstance(value, bool) and value == 0
    return shown.text != formatting.DASH and not is_zero


def _fact(fact: Fact[Row], row: Row, moment: RenderTime) -> ShownFact | None:
    shown = value_cell(fact.value(row), moment) if fact.format is None else fact.format(row, moment)
    if not shown.text or shown.text == formatting.DASH:
        return None if fact.optional else ShownFact(fact.label, formatting.DASH, "dim")
    return ShownFact(fact.label, *shown)


def value_cell(value: Value, moment: RenderTime) -> Cell:
    """Format a value by its type: flag, time with its age, number, money or text."""
    if value is None:
        return Cell("", "dim")
    if isinstance(value, bool):
        return Cell("yes" if value else "no")
    if isinstance(value, datetime):
        seconds = (moment.now - value).total_seconds()
        ago = (
            f"{formatting.short_duration(seconds)} ago"
            if seconds >= 0
            else f"in {formatting.short_duration(-seconds)}"
        )
        return Cell(f"{ago}, {formatting.local_time(value)}")
    if isinstance(value, Decimal):
        return Cell(formatting.money(value))
    if isinstance(value, int | float):
        return Cell(f"{value:,}", "dim" if value == 0 else "plain")
    return Cell(formatting.first_line(value) if isinstance(value, str) else formatting.joined(value))


def links_of(links: Sequence[Link[Row]], row: Row | None) -> list[LinkTarget]:
    """Return the targets of a row's links; links without a target are left out."""
    if row is None:
        return []
    return [target for link in links if (target := _target(link, row)) is not None]


def _target(link: Link[Row], row: Row) -> LinkTarget | None:
    if link.filter is not None:
        filter_text = link.filter(row)
        if filter_text is None:
            return None
        return LinkTarget(link.label, link.text(row), link.kind, filter=filter_text, span=link.span(row))
    key = None if link.key is None else link.key(row)
    return None if not key else LinkTarget(link.label, link.text(row)[:_LONGEST_LINK], link.kind, key=key)


def texts_of(kind: Kind[Row], row: Row | None, moment: RenderTime) -> list[tuple[str, str]]:
    """Return the title and text of each long text of a row, credentials masked."""
    if row is None:
        return []
    texts = ((block.title, block.text(row, moment)) for block in kind.texts)
    return [(title, redact.text(text)) for title, text in texts if text]


def address_of(kind: Kind[Row], entry: Entry[Row] | None) -> str:
    """Return the web address of a record's page, or its path on the service.

    Returns "" if the record has no web page.
    """
    if entry is None or entry.row is None or kind.page_in_browser is None:
        return ""
    return kind.page_in_browser(entry.row)


def json_of(entry: ListedRow[Row]) -> object:
    """Return the JSON that the service sent for a record.

    If the service sent none, the fields of the row are returned.
    """
    row = entry.row
    if entry.raw is not None or not is_dataclass(row) or isinstance(row, type):
        return entry.raw
    fields: object = json.loads(json.dumps(asdict(row), default=str))
    return fields
