"""Makes of a typed kind what the screens and the executor of changes still take: fields, roads and verbs by name."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, is_dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any

from mogplex_tui.live import redact
from mogplex_tui.live.collection import Item, Listing, Road
from mogplex_tui.operate import words
from mogplex_tui.operate.finding import Find
from mogplex_tui.operate.kinds import base, verb
from mogplex_tui.operate.log_source import LogSource
from mogplex_tui.operate.model import (
    Action,
    Cell,
    Change,
    Column,
    Creation,
    Entry,
    Fact,
    Kind,
    Link,
    Moment,
    Page,
    Related,
    Result,
    Row,
    Single,
    SortKey,
    Source,
    Value,
    Values,
    Words,
)
from mogplex_tui.operate.paths import line

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session


# Sorts rows that could not be read before all others; no sort key of a readable row begins with it.
_UNREADABLE: SortKey = (-1, 0.0)


def for_screens(kind: Kind[Row]) -> base.Kind:
    """Return a typed kind as the screens take it."""
    sort, join, single = _sort(kind), kind.join, kind.single
    return base.Kind(
        name=kind.name,
        title=kind.title,
        noun=kind.noun,
        aliases=kind.aliases,
        contract=kind.contract,
        roads=tuple(map(_road, kind.sources)),
        fields=tuple(map(_field, kind.columns)),
        search={
            "id": lambda item, _: item.key,
            **{name: _found(find) for name, find in kind.hidden_filters.items()},
        },
        default_sort=lambda item: (_UNREADABLE,) if item.record is None else sort(item.record),
        descending=kind.descending,
        beside={} if join is None else {name: _lender(each) for name, each in join.related.items()},
        join=None if join is None else join.fill,
        ages=join is not None and join.depends_on_time,
        ends=None if kind.open_until is None else partial(_end, kind.open_until),
        texts_first=kind.texts_first,
        one=None if single is None else partial(_read_one, single),
        merge=None if single is None else single.merge,
        tail=None if kind.logs is None else _logs(kind.logs),
        quiet=lambda item: item.record is not None and kind.is_quiet(item.record),
        label=kind.label,
        facts=lambda item, context: facts_of(kind, item.record, Moment(context.now)),
        links=lambda item: links_of(kind.links, item.record),
        texts=lambda item, context: _texts(kind, item.record, Moment(context.now)),
        url=None if kind.page_in_browser is None else partial(_url, kind.page_in_browser),
        verbs=(*map(_creation, kind.creations), *map(_verb, kind.actions)),
        empty=kind.empty,
        needs=kind.needs,
    )


def for_run_list(kind: Kind[Row]) -> base.Kind:
    """Return a typed kind for a list that holds the rows themselves, without the items of a collection."""
    return base.Kind(
        name=kind.name,
        title=kind.title,
        noun=kind.noun,
        aliases=kind.aliases,
        contract=kind.contract,
        fields=tuple(map(_row_field, kind.columns)),
        search={name: _found_in_row(find) for name, find in kind.hidden_filters.items()},
        default_sort=_sort(kind),
        descending=kind.descending,
        quiet=kind.is_quiet,
        label=kind.label,
        empty=kind.empty,
        needs=kind.needs,
    )


def _row_field(column: Column[Row]) -> base.Field:
    layout, format = column.layout, column.format
    return base.Field(
        column.name,
        column.title,
        layout.width,
        column.cell,
        None if column.is_error else column.sort,
        column.sort_at,
        align=format.align,
        priority=layout.priority,
        flex=layout.flex,
        min_width=layout.min_width,
        cut=layout.cut,
        find=column.find,
        span=format.is_span,
    )


def _found_in_row(find: Callable[[Row], Words]) -> Find:
    return lambda row, _: find(row)


def listing_of(page: Page[Row]) -> Listing:
    """Return a page as the collections hold it."""
    return Listing(list(map(item_of, page.entries)), page.total, page.notice)


def item_of(entry: Entry[Row]) -> Item:
    """Return an entry as the collections hold it."""
    return Item(entry.key, entry.row, _json_of(entry), entry.why)


def _json_of(entry: Entry[Row]) -> object:
    """Return the JSON of an entry; of one that the service did not send, the fields of its row."""
    row = entry.row
    if entry.raw is not None or not is_dataclass(row) or isinstance(row, type):
        return entry.raw
    return json.loads(json.dumps(asdict(row), default=str))


def _end(open_until: Callable[[Row], datetime | None], item: Item) -> float:
    end = open_until(item.record)
    return inf if end is None else end.timestamp()


def _sort(kind: Kind[Row]) -> Callable[[Row], Any]:
    order = kind.default_sort
    if not isinstance(order, str):
        return order
    key = kind.column(order).sort
    return lambda row: (key(row),)


def _lender(related: Related) -> base.Lender:
    return base.Lender(" ".join(related.columns), related.sentence, related.source)


async def _read_one(single: Single[Row], client: ClientView, item: Item) -> Item:
    entry = await single.read(client, item.key, item.record)
    return item_of(entry if entry.raw is not None else replace(entry, raw=item.raw))


def _road(source: Source[Row]) -> Road:
    async def read(client: ClientView, session: Session) -> Listing:
        return listing_of(await source.read(client, session))

    return Road(
        source.family,
        read,
        source.tables,
        source.poll,
        source.poll_blind,
        notice=source.notice,
        without=source.hides,
        in_part=not source.tables_are_complete,
    )


def _logs(logs: LogSource[Row]) -> base.Logs:
    return base.Logs(
        lambda client, session, item: logs.read(client, session, item.key, item.record),
        logs.tables,
        every=logs.poll,
        blind=logs.poll_blind,
        over=lambda item: item.record is not None and logs.is_over(item.record),
        v1=logs.uses_v1,
        empty=logs.empty,
    )


def _field(column: Column[Row]) -> base.Field:
    def cell(item: Item, context: base.Context) -> base.Cell:
        if item.record is None:
            return (
                (words.cause(line(item.why or "", "error")), "error")
                if column.is_error
                else (words.DASH, "dim")
            )
        return column.cell(item.record, context)

    def sort(item: Item) -> Any:
        return _UNREADABLE if item.record is None else column.sort(item.record)

    layout, format = column.layout, column.format

    def find(item: Item, now: datetime) -> Any:
        if item.record is None:
            return _found_unreadable(column, item)
        if item.doing is not None and format.is_state and not format.in_progress:
            # What is shown in its place is found: the change that is under way.
            return (words.state(item.doing)[1], item.doing)
        return column.find(item.record, now)

    found_by: Find = find
    return base.Field(
        column.name,
        column.title,
        layout.width,
        cell,
        sort,
        align=format.align,
        priority=layout.priority,
        flex=layout.flex,
        min_width=layout.min_width,
        cut=layout.cut,
        find=found_by,
        span=format.is_span,
        told=column.is_text,
        stands=format.is_state,
        turns=format.in_progress,
    )


def _found_unreadable(column: Column[Row], item: Item) -> tuple[str, ...] | None:
    if column.is_error and item.why:
        why = line(item.why, "error")
        return (words.cause(why), why)
    return ("unreadable",) if column.format.is_state else None


def facts_of(kind: Kind[Row], row: Row | None, moment: Moment) -> list[list[base.Fact]]:
    """Return the facts of a row in groups, each a label, a text and its tone."""
    return [] if row is None else shown_facts(kind.facts, row, moment)


def shown_facts(groups: Sequence[Sequence[Fact[Row]]], row: Row, moment: Moment) -> list[list[base.Fact]]:
    """Return groups of facts as they are shown of a row."""
    return [[shown for each in group if (shown := _fact(each, row, moment)) is not None] for group in groups]


def _fact(fact: Fact[Row], row: Row, moment: Moment) -> base.Fact | None:
    shown = said(fact.value(row), moment) if fact.format is None else fact.format(row, moment)
    if not shown.text or shown.text == words.DASH:
        return None if fact.optional else (fact.label, words.DASH, "dim")
    return (fact.label, *shown)


def said(value: Value, moment: Moment) -> Cell:
    """Return a value as a fact shows it: yes and no, instants with their age, counts and money."""
    if value is None:
        return Cell("", "dim")
    if isinstance(value, bool):
        return Cell("yes" if value else "no")
    if isinstance(value, datetime):
        seconds = (moment.now - value).total_seconds()
        ago = f"{words.age_of(seconds)} ago" if seconds >= 0 else f"in {words.age_of(-seconds)}"
        return Cell(f"{ago}, {words.local(value)}")
    if isinstance(value, Decimal):
        return Cell(words.money(value))
    if isinstance(value, int | float):
        return Cell(f"{value:,}", "dim" if value == 0 else "plain")
    return Cell(line(value if isinstance(value, str) else list(value)))


def links_of(links: Sequence[Link[Row]], row: Row | None) -> list[base.Link]:
    """Return the links of a row that lead anywhere."""
    return [found for each in links if (found := _link(each, row)) is not None]


def _link(link: Link[Row], row: Row | None) -> base.Link | None:
    if row is None:
        return None
    if link.filter is not None:
        found = link.filter(row)
        if found is None:
            return None
        return base.Link(link.label, link.text(row), link.kind, filter=found, span=link.span(row))
    key = None if link.key is None else link.key(row)
    return None if not key else base.Link(link.label, link.text(row)[:60], link.kind, key=key)


def _found(find: Callable[[Row], Words]) -> Find:
    return lambda item, _: None if item.record is None else find(item.record)


def _texts(kind: Kind[Row], row: Row | None, moment: Moment) -> list[tuple[str, str]]:
    if row is None:
        return []
    found = ((each.title, each.text(row, moment)) for each in kind.texts)
    return [(title, redact.text(text)) for title, text in found if text]


def _url(page: Callable[[Row], str], item: Item) -> str:
    return "" if item.record is None else page(item.record)


def _answer(answer: object, done: str) -> Result:
    return answer if isinstance(answer, Result) else Result(True, done)


def _creation(creation: Creation) -> verb.Verb:
    asked = creation.confirmation
    return verb.Verb(
        creation.id,
        creation.id,
        creation.key,
        creation.help,
        lambda client, _, values: creation.request(client, values),
        doing=creation.in_progress,
        means=() if asked is None else asked.consequences,
        go="" if asked is None else asked.yes,
        told=lambda answer: _answer(answer, creation.done)[:2],
        new_id=lambda answer: _answer(answer, "").new_id,
        fields=lambda answer: _answer(answer, "").fields,
        families=creation.families,
        new=creation.name,
        makes_record=creation.makes_record,
        problem=lambda _, values: creation.problem(values),
        parameters=creation.parameters,
        secret=(lambda answer: _answer(answer, "").secret) if creation.reveals else None,
    )


def _verb(action: Action[Row]) -> verb.Verb:
    def call(
        client: ClientView, item: Item, values: Values | str, key: str = "", is_retry: bool = False
    ) -> Awaitable[object]:
        given = completed(item, Values({}) if isinstance(values, str) else values)
        return action.request(Change(client, item.key, item.record, given, key, is_retry))

    def completed(item: Item, values: Values) -> Values:
        # The console's form has no field for some parameters: the row's values stay.
        return Values(action.texts(item.record, values.texts))

    asked = action.confirmation
    return verb.Verb(
        action.id,
        action.name,
        action.key,
        action.help,
        call,
        why_not=lambda item: None if item.record is None else action.unavailable(item.record),
        warn=lambda item: None if item.record is None else action.warning(item.record),
        doing=action.in_progress,
        means=() if asked is None else asked.consequences,
        go="" if asked is None else asked.yes,
        told=lambda answer: _answer(answer, action.done)[:2],
        new_id=lambda answer: _answer(answer, "").new_id,
        fields=lambda answer: _answer(answer, "").fields,
        secret=(lambda answer: _answer(answer, "").secret) if action.reveals else None,
        parameters=action.parameters,
        texts=lambda item, given: action.texts(item.record, given),
        problem=lambda item, values: action.problem(item.record, completed(item, values)),
        keyed=action.sends_idempotency_key,
        needing=action.needs,
        many=action.many,
        footer=action.in_footer,
        families=action.families,
    )
