"""What a kind declares: names, roads to its rows, columns, facts and links; verbs are in `verb` (design decision 11)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from mogplex_tui.live.collection import Collection, Ends, Item, Lend, Listing, Read, Road, items_of
from mogplex_tui.live.session import session_needed
from mogplex_tui.live.sources import Source
from mogplex_tui.operate import words
from mogplex_tui.operate.finding import Find, fields_at, word_of
from mogplex_tui.operate.model import Moment
from mogplex_tui.operate.standing import said

if TYPE_CHECKING:
    from mogplex_tui.api.access import Family
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.log_tail import LogLine
    from mogplex_tui.live.session import Session
    from mogplex_tui.operate.kinds.verb import Verb

Cell = tuple[str, str]
Context = Moment
Seen = Callable[[Any], datetime]
"""Up to when a row is known."""
Fact = tuple[str, str, str]
"""A label, a value and its tone."""


class Field(NamedTuple):
    """A column: its widths, how important it is (0 never drops), what it shows, what it is sorted and found by.

    `sort_at` stands in for `sort` where the order depends on the instant. `find` is what `/` looks at under the names
    that the column has; a `span` is found by its seconds, a `told` one makes a good example of what can be typed.
    A column that tells how a record `stands` shows in that place a change of ours that is under way; one that a change
    `turns` shows what it is about to say, by the word of the change.
    """

    key: str
    title: str
    width: int
    cell: Callable[[Any, Context], Cell]
    sort: Callable[[Any], Any] | None = None
    sort_at: Callable[[Any, datetime], Any] | None = None
    align: str = "left"
    priority: int = 0
    flex: int = 0
    min_width: int | None = None
    cut: str = "end"
    find: Find | None = None
    span: bool = False
    told: bool = False
    stands: bool = False
    turns: Mapping[str, str] = MappingProxyType({})

    @property
    def sortable(self) -> bool:
        """Whether a list can be ordered by it."""
        return self.sort is not None or self.sort_at is not None

    @property
    def names(self) -> tuple[str, ...]:
        """How a filter names the column: by its key and by its title."""
        return tuple(name for name in (word_of(self.key), word_of(self.title)) if name)


Span = tuple[datetime, datetime | None]
"""From an instant to another one, or to now."""


class Link(NamedTuple):
    """A way from a record to another kind: one record by its key, or a list narrowed by a `/` filter.

    `span` is when what the filter finds was made, where that is known.
    """

    label: str
    text: str
    kind: str
    key: str | None = None
    filter: str = ""
    span: Span | None = None


class Logs(NamedTuple):
    """How a record's logs are read: every line of every log, oldest first, by `read`.

    `tables` are the realtime tables that hint at new lines; `every` and `blind` are the seconds between polls beside
    realtime and without it; `over` says of a record that nothing more is written; `v1` whether reading spends the
    token's budget whatever else is open; `empty` is said while there is no line.
    """

    read: Callable[[ClientView, Session, Item], Awaitable[Sequence[LogLine]]]
    tables: frozenset[str]
    every: float = 15.0
    blind: float = 5.0
    over: Callable[[Item], bool] = lambda _: False
    v1: Callable[[Session], bool] = lambda _: False
    empty: str = "Nothing was logged yet. Lines appear here as they are written."


class Lender(NamedTuple):
    """What is told of records from the list of another kind.

    `columns` are those that tell it, with spaces between; `what` begins the sentence on it, verb included, where that is
    not the columns' titles; `part` is the one source of that list that it comes from, where that has several. With
    neither column nor sentence nothing on screen depends on it, as where it offers choices.
    """

    columns: str = ""
    what: str = ""
    part: str = ""


def id_of(record: Any) -> str:
    """Return the id of a record, whether it is a model or a mapping."""
    return str(record["id"] if isinstance(record, Mapping) else record.id)


class Kind(NamedTuple):
    """One kind of thing.

    The first five and `search` and `default_sort` are needed by every list: `search` is what `/` looks at beside the
    columns, by name. The rest makes it a kind of the generic screens: `roads` in the order of richness, `key` and
    `label` of a record, `facts` in groups, `links`, `texts` as titled long texts, which are what must be read where
    they stand `texts_first`, `tail` as logs that grow, `verbs`, `one` to read a record by itself, `url` as the path of
    its page in the browser,
    `empty` and `needs` as the sentences for an empty list and for a service that wants a browser session, `quiet`
    tells of a row that it is over and well, so that what is not stands out. `beside` are the kinds whose lists are
    kept fresh along with this one, with what its columns, facts or choices tell from them; `lend` makes of their rows
    what is shown of a record, anew with every tick where that `ages`. `join` and `merge` are those of a typed kind (see
    `mogplex_tui.operate.model`). `ends` says until when a record is open: what
    has ended stays in the list, and is not counted as open.
    """

    name: str
    title: str
    noun: str
    fields: Sequence[Field]
    search: Mapping[str, Find]
    default_sort: Callable[[Any], Any]
    descending: bool = True
    aliases: tuple[str, ...] = ()
    contract: str = ""
    roads: tuple[Road, ...] = ()
    beside: Mapping[str, Lender] = MappingProxyType({})
    lend: Lend | None = None
    join: Callable[[Session], Callable[[Any], Any]] | None = None
    merge: Callable[[Any, Any], Any] | None = None
    ages: bool = False
    ends: Ends | None = None
    key: Callable[[Any], str] = id_of
    label: Callable[[Any], str] = lambda record: id_of(record)[:8]
    facts: Callable[[Item, Context], Sequence[Sequence[Fact]]] = lambda _, __: ()
    links: Callable[[Item], Sequence[Link]] = lambda _: ()
    texts: Callable[[Item, Context], Sequence[tuple[str, str]]] = lambda _, __: ()
    texts_first: bool = False
    tail: Logs | None = None
    verbs: tuple[Verb, ...] = ()
    one: Callable[[ClientView, Item], Awaitable[Item]] | None = None
    url: Callable[[Item], str] | None = None
    empty: str = "Nothing here yet."
    needs: str = ""
    quiet: Callable[[Any], bool] = lambda _: False

    def field(self, key: str) -> Field:
        """Return a column by its key. Raises KeyError."""
        for field in self.fields:
            if field.key == key:
                return field
        raise KeyError(key)

    def cells(self, row: Any, context: Context) -> list[Cell]:
        """Return a row's cells, one a column; that it did not parse, or a change that is under way, is among them."""
        return said(self.fields, row, [field.cell(row, context) for field in self.fields])

    def fields_at(self, now: datetime, seen: Seen | None = None) -> Callable[[Any], Mapping[str, Any]]:
        """Return what `/` looks at, made of a row: by the keys and the titles of the columns, and what is beside them.

        What goes on is measured up to when the row is known by `seen`, like the column that shows it.
        """
        columns = [field for field in self.fields if field.find is not None]
        named = [(field.names[at], field.find) for at in (0, -1) for field in columns if field.names]
        finders: dict[str, Find] = {}
        for name, find in (*named, *self.search.items()):
            finders.setdefault(name, find)  # type: ignore[arg-type]
        for name in (name for field in self.fields if field.sort_at and seen for name in field.names):
            finders[name] = partial(lambda find, row, _: find(row, seen(row)), finders[name])  # type: ignore[misc]
        # What stands to the right is a number, a price or a span.
        return fields_at(now, finders, [field.find for field in columns if field.align == "right"])  # type: ignore[misc]

    @property
    def spans(self) -> frozenset[str]:
        """The names by which `/` finds spans of time."""
        return frozenset(name for field in self.fields if field.span for name in field.names)

    def order_at(self, column: str | None, seen: Seen) -> Callable[[Any], Any]:
        """Return what rows are ordered by, at first or by a column, each up to when it is known. Raises KeyError."""
        field = None if column is None else self.field(column)
        sort_at = None if field is None else field.sort_at
        if sort_at is not None:
            return lambda row: sort_at(row, seen(row))
        return self.default_sort if field is None or field.sort is None else field.sort

    def example(self, row: Any, now: datetime) -> str | None:
        """Return a term of a filter that finds this row, by a column whose words tell something; None without one."""
        for field in self.fields:
            found = field.find(row, now) if field.told and field.find is not None else None
            word = str(found[0] if isinstance(found, tuple) and found else found or "").split(" ")[0][:24]
            if word.isprintable() and word[:1].isalnum() and '"' not in word:
                return f"{field.names[-1]}:{word}"
        return None

    def told_beside(self, session: Session, without: frozenset[str] = frozenset()) -> list[Source]:
        """Return the freshness of the joined lists that columns read.

        `without` names columns and lists to leave out.
        """
        found = []
        for name, lender in self.beside.items():
            if name in without:
                continue
            columns = [key for key in lender.columns.split() if key not in without]
            titles = " and ".join(self.field(key).title or key for key in columns)
            what = lender.what or (titles and f"{titles} {'are' if len(columns) > 1 else 'is'}")
            rows = session.store.set(name)
            parts = [each for part, each in rows.sources.items() if lender.part in ("", part)]
            for fresh in (rows.freshness, *(each.freshness for each in parts)) if what else ():
                found.append(Source(what, frozenset(columns), fresh, None))
        return found

    def page(self, item: Item | None) -> str:
        """Return the address of a record's page in the browser, or its path on the service; empty without one."""
        return "" if item is None or item.record is None or self.url is None else self.url(item)

    def closed_to(self, verb: Verb, session: Session) -> str | None:
        """Return why no route of a verb is open to the credential, with what it would need; None where one may be."""
        needs = session_needed(verb.needing or f"Changes of {words.many(self.noun)}")
        return session.closed(verb.families or (self.roads[0].family,), needs)

    def name_of(self, item: Item) -> str:
        """Return how sentences and breadcrumbs call a record; one that did not parse may still say its name."""
        if item.record is None:
            name = item.raw.get("name") if isinstance(item.raw, dict) else None
            return name if isinstance(name, str) and name else item.key
        return self.label(item.record) or item.key


def collection_of(session: Session, kind: Kind) -> Collection:
    """Return the rows of a kind with their feed."""
    return Collection(
        session,
        kind.name,
        kind.roads,
        beside=tuple(kind.beside),
        lend=kind.lend,
        join=kind.join,
        merge=kind.merge,
        ages=kind.ages,
        ends=kind.ends,
    )


def listed(
    rows: Any,
    key: Callable[[Any], str] = id_of,
    dress: Callable[[Any], Any] | None = None,
    total: int | None = None,
) -> Listing:
    """Return a listing of parsed rows, or of the rows of a page; `dress` makes of a row what is shown.

    `total` is how many there are on the service, where it says so.

    What a dressed record holds beside the row's own fields, such as the name behind an id, is found by columns and
    facts like those.
    """
    items = items_of(getattr(rows, "rows", rows), key)
    if dress is not None:
        items = [item if item.record is None else replace(item, record=dress(item.record)) for item in items]
    return Listing(items, total)


def reading(
    call: Callable[[ClientView], Awaitable[Any]], dress: Callable[[Session, Any], Any] | None = None
) -> Read:
    """Return the reading of a list that is one call; `dress` makes of a row what is shown."""

    async def read(client: ClientView, session: Session) -> Listing:
        return listed(await call(client), dress=None if dress is None else partial(dress, session))

    return read


def road(family: Family, read: Read, tables: str = "", *, every: float, blind: float) -> Road:
    """Return one way to the rows; `tables` are the realtime tables with spaces between, the times are seconds."""
    return Road(family, read, frozenset(tables.split()), every, blind)


def dressed(row: Any, properties: str = "", **more: Any) -> dict[str, Any]:
    """Return a row's fields with these of its properties, and with what else is shown beside them.

    `properties` are names with spaces between; one that the row does not have is None.
    """
    return {**row.__dict__, **{name: getattr(row, name, None) for name in properties.split()}, **more}


def with_more(item: Item, record: Mapping[str, Any], raw: Any = None) -> Item:
    """Return an item that was read by itself: with more in its record, and its own JSON where that was read too."""
    return Item(item.key, {**(item.record or {}), **record}, item.raw if raw is None else raw)
