"""The typed model of kinds: what the console's screens and the commands are both made from.

A kind is declared once, typed by its row. Values are callables on that row, so that a misspelt field, column or
parameter is an error of the type checker. `mogplex_tui/operate/kinds/mcp_servers.py` is the shortest example.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from mogplex_tui.live.collection import Entry as Entry
from mogplex_tui.live.collection import RowPage as RowPage
from mogplex_tui.live.collection import Source as Source
from mogplex_tui.operate import formatting
from mogplex_tui.operate.parameters import Choice as Choice
from mogplex_tui.operate.parameters import Parameter as Parameter
from mogplex_tui.operate.parameters import Values as Values

if TYPE_CHECKING:
    from mogplex_tui.api.access import Family
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.base import Rows
    from mogplex_tui.config.secret import Secret
    from mogplex_tui.live.reasons import Requirement, Subject
    from mogplex_tui.live.session import Session
    from mogplex_tui.operate.log_source import LogSource

Row = TypeVar("Row")
V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)
M = TypeVar("M")

Value = str | bool | int | float | Decimal | datetime | Sequence[str] | None
"""What a column holds; machine formats print it exactly."""
SortKey = tuple[int, float | str]
FilterValue = str | float | tuple[str, ...] | None
"""What a filter compares with: a text, a number, several texts, or nothing."""


class Cell(NamedTuple):
    """A text on the screen with its tone."""

    text: str
    tone: str = "plain"


class RenderTime(NamedTuple):
    """The time at which a cell is drawn; `known` is when its row was last read, where reading it fails since then."""

    now: datetime
    known: datetime | None = None

    @property
    def seen(self) -> datetime:
        """Up to when the row is known: what goes on has taken that long at least."""
        return self.known or self.now


@dataclass(frozen=True, slots=True)
class Format(Generic[V]):
    """How a value of one type is shown, sorted and found."""

    show: Callable[[V, RenderTime], Cell]
    sort: Callable[[V], SortKey]
    find: Callable[[V, datetime], FilterValue]
    align: str = "left"
    is_span: bool = False
    """Whether a filter compares it as a span of time: `age:<2h`."""
    is_state: bool = False
    """Whether a change that is under way is shown in its place."""
    in_progress: dict[str, str] = field(default_factory=dict)
    """What it shows while an action is under way, by `Action.in_progress`."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The width of a column in cells; columns with the highest priority number go first, 0 never goes."""

    width: int = 16
    priority: int = 0
    flex: int = 0
    min_width: int | None = None
    cut: str = "end"


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """A column of a list. Made with `column`, which ties the value to its format.

    `name` is what filters and `--sort` call it; `field` is the service's name of the value, for CSV. A column that
    `is_error` shows why a record could not be read, too. `sort_at` stands in for `sort` where the value depends on the
    time.
    """

    name: str
    title: str
    field: str
    value: Callable[[Row], Value]
    cell: Callable[[Row, RenderTime], Cell]
    sort: Callable[[Row], SortKey]
    find: Callable[[Row, datetime], FilterValue]
    layout: Layout
    format: Format[Value]
    is_text: bool = False
    is_error: bool = False
    sort_at: Callable[[Row, datetime], SortKey] | None = None


def _is_empty(value: object) -> bool:
    return value is None or value in ("", (), [])


def column(
    name: str,
    title: str,
    value: Callable[[Row], V | None],
    format: Format[V],
    layout: Layout | None = None,
    *,
    field: str = "",
    is_text: bool = False,
    show: Callable[[Row, RenderTime], Cell] | None = None,
    search: Callable[[Row], FilterValue] | None = None,
) -> Column[Row]:
    """Return a column that shows a value of a row in a format; a value that is absent is a dash.

    `show` and `search` stand in for those of the format where they depend on more of the row than the value.
    """

    def cell(row: Row, moment: RenderTime) -> Cell:
        found = value(row)
        return (
            Cell(formatting.DASH, "dim") if found is None or _is_empty(found) else format.show(found, moment)
        )

    def sort(row: Row) -> SortKey:
        found = value(row)
        return (0, "") if found is None else format.sort(found)

    def find(row: Row, now: datetime) -> FilterValue:
        found = value(row)
        return None if found is None or _is_empty(found) else format.find(found, now)

    return Column(
        name,
        title,
        field or name,
        value,  # type: ignore[arg-type]  # V is one of Value's types wherever a format exists for it
        show or cell,
        sort,
        find if search is None else lambda row, _: search(row),
        layout or Layout(),
        format,  # type: ignore[arg-type]  # the column calls it with its own value alone
        is_text,
    )


@dataclass(frozen=True, slots=True)
class Fact(Generic[Row]):
    """A line of a record's page: a label and what it says of the row.

    Without a value it is a dash; an `optional` one is left out then.
    """

    label: str
    value: Callable[[Row], Value]
    format: Callable[[Row, RenderTime], Cell] | None = None
    optional: bool = False


def fact(
    label: str, value: Callable[[Row], V | None], format: Format[V], *, optional: bool = False
) -> Fact[Row]:
    """Return a fact that is shown in a format, such as a state or an error."""

    def cell(row: Row, moment: RenderTime) -> Cell:
        found = value(row)
        return Cell("", "dim") if found is None or _is_empty(found) else format.show(found, moment)

    return Fact(label, value, cell, optional)  # type: ignore[arg-type]  # as in `column`


@dataclass(frozen=True, slots=True)
class TextBlock(Generic[Row]):
    """A long text of a record's page under a title, or `lines` made at a time; left out where there is none."""

    title: str
    value: Callable[[Row], str | None] = lambda _: None
    lines: Callable[[Row, RenderTime], Sequence[str]] | None = None

    def text(self, row: Row, moment: RenderTime) -> str | None:
        """Return the text of a row."""
        return self.value(row) if self.lines is None else "\n".join(self.lines(row, moment))


@dataclass(frozen=True, slots=True)
class Link(Generic[Row]):
    """A way from a record to another kind: to one record by its key, or to a list with a filter.

    A link whose key or filter is None for a row is not shown. `span` is the time from and until which the records that
    the filter finds were made, without an end until now; None for a row that does not say it.
    """

    label: str
    kind: str
    text: Callable[[Row], str]
    key: Callable[[Row], str | None] | None = None
    filter: Callable[[Row], str | None] | None = None
    span: Callable[[Row], tuple[datetime, datetime | None] | None] = lambda _: None


def page_of(
    rows: Rows[M], row: Callable[[M], Row], key: Callable[[Row], str], *, hide: Sequence[str] = ()
) -> RowPage[Row]:
    """Return a page of the client's records, each made a row; those that could not be read come last.

    `hide` names the fields of the JSON that may hold a secret.
    """

    def masked(raw: object) -> object:
        if not isinstance(raw, dict):
            return raw
        return {name: "[hidden]" if name in hide and value else value for name, value in raw.items()}

    entries = []
    for place, model in enumerate(rows):
        made = row(model)
        raw = rows.raws[place] if place < len(rows.raws) else None
        entries.append(Entry(key(made), made, masked(raw)))
    taken = {entry.key for entry in entries}
    for place, bad in enumerate(rows.bad):
        id = bad.raw.get("id") if isinstance(bad.raw, dict) else None
        # The id of what cannot be read may be wrong as well: it must not take the place of another record.
        name = str(id) if id and str(id) not in taken else f"unreadable {place}"
        taken.add(name)
        entries.append(Entry[Row](name, None, masked(bad.raw), bad.why))
    return RowPage(entries)


@dataclass(frozen=True, slots=True)
class Single(Generic[Row]):
    """How one record is read by itself, where that says more than its row in the list.

    `read` gets the record's key and its row, None where the list has no such row; where it returns no JSON, that of the
    list is kept. `merge` returns a newer row of the
    list with what only the record read by itself says.
    """

    read: Callable[[ClientView, str, Row | None], Awaitable[Entry[Row]]]
    merge: Callable[[Row, Row], Row]


class Window(NamedTuple):
    """Which records of a list are asked for: those that began between two instants and pass the service's filters.

    `filters` are values by the name of the route's query parameter.
    """

    since: datetime | None = None
    until: datetime | None = None
    filters: Mapping[str, str] = MappingProxyType({})


class ServiceFilter(NamedTuple):
    """A filter that the service applies by itself.

    `name` is what `/` calls it, `parameter` the query parameter of the route. `texts` are the values that the parameter
    takes, each with the texts by which `/` finds it in a row; for values that no declaration can list, `value_of`
    returns the one that a text means, None where it may mean several.
    """

    name: str
    parameter: str
    texts: Mapping[str, Sequence[str]] = MappingProxyType({})
    value_of: Callable[[Session, str], str | None] = lambda _, __: None


@dataclass(frozen=True, slots=True)
class Older(Generic[Row]):
    """How records are read that a list does not give because it gives the newest alone.

    `read` returns the newest records of a window, with how many the service has in it. `began` is the instant that the
    window goes by, `age` the name of the filter on it.
    """

    read: Callable[[ClientView, Window], Awaitable[RowPage[Row]]]
    began: Callable[[Row], datetime | None]
    filters: tuple[ServiceFilter, ...] = ()
    age: str = "age"


@dataclass(frozen=True, slots=True)
class Related:
    """What the rows of another kind's list add to rows of this kind.

    `columns` are the columns that depend on it, `subject` is what it gives, as messages name it, where that is not the
    titles of the columns; `source` is the one source of that list, where it has several.
    """

    columns: tuple[str, ...] = ()
    subject: Subject | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Join(Generic[Row]):
    """Fills the fields of rows that other lists know, each time rows are read and each time those lists change.

    `fill` returns, for all rows of one reading, the function that fills one row. `related` are the kinds whose lists it
    reads, `names` whether it reads the names of repositories and agents. With `depends_on_time` rows are filled every
    second: what is filled in is different when an instant of the row has passed.
    """

    fill: Callable[[Session], Callable[[Row], Row]]
    related: Mapping[str, Related] = field(default_factory=dict)
    names: bool = False
    depends_on_time: bool = False


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The question before an action: what it means, in sentences, and the label of the yes.

    The command asks it too, with `is_asked_in_command` false only in a protected context: a change that the same command
    undoes needs no second word from someone who has typed it.
    """

    consequences: Sequence[str]
    yes: str
    is_asked_in_command: bool = True


class Result(NamedTuple):
    """What an action came to where its answer says more than that it was done.

    In the sentence, `{}` at its beginning and `{name}` within it stand for the record's name; `secret` is shown once and
    kept nowhere. `new_id` is the id of a record that the action made, which the command prints; None where it makes one
    and did not. `fields` are those of the answer that the command prints as JSON.
    """

    is_success: bool
    sentence: str
    secret: Secret | None = None
    new_id: str | None = ""
    fields: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Change(Generic[Row]):
    """What the request of an action is made from: the client, the record, and the values of the parameters.

    `session` is for a request whose route depends on what the credential may do.
    `idempotency_key` is empty unless the action sends one. `is_retry` says that an earlier request with the same key had
    no answer.
    """

    client: ClientView
    key: str
    row: Row
    values: Values
    idempotency_key: str = ""
    is_retry: bool = False
    session: Session = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Creation:
    """An action that makes a record of parameters alone.

    `name` is what the new record is called; where `makes_record` is false it is what the change is made to: a list, not
    a record of it. A creation that `reveals` answers with a secret that is shown once.
    `problem` returns what is wrong with values that are right one by one, `unavailable` why these credentials cannot
    make one. One that `sends_idempotency_key` sends that of the values. `help` and `help_has_title` are as in `Action`.
    """

    id: str
    key: str
    help: str
    parameters: tuple[Parameter[object], ...]
    name: Callable[[Values], str]
    request: Callable[[ClientView, Values], Awaitable[object]]
    in_progress: str
    families: tuple[Family, ...]
    done: str = "{} is made."
    confirmation: Confirmation | None = None
    reveals: bool = False
    makes_record: bool = True
    problem: Callable[[Values], str | None] = lambda _: None
    help_has_title: bool = False
    unavailable: Callable[[Session], str | None] = lambda _: None
    sends_idempotency_key: bool = False
    title: str = ""

    @property
    def label(self) -> str:
        """How keys and sentences call it."""
        return self.title or self.id

    def phrase(self, thing: str) -> str:
        """Return the request to make something."""
        return f"{self.id} {thing}"


def _no_problem(_: object, __: object) -> None:
    return None


def _no_texts(_: object) -> Mapping[Parameter[object], str]:
    return {}


@dataclass(frozen=True, slots=True)
class Action(Generic[Row]):
    """One change that can be made to a record with one request.

    `help` is a sentence without its full stop; `help_has_title` says that it begins with the label.
    `request` sends it and may return a `Result`. `parameters` are asked for first; `initial` are the texts that stand in
    the form at first because the row has them, `problem` returns what is wrong with values that are right one by one.
    `unavailable` returns why it makes no sense for a row now, else None; `closed` why the credential cannot do it to
    that row; `warning` a line more in the question for rows to which it does something else besides. `in_progress`
    is the word shown until the list was read again; `done` is the sentence after it, as in `Result`.
    `is_bulk` lets it work on all marked rows. `families` are those whose routes it goes by, one of which must be open;
    `needs` is the subject of the sentence on what they need, a plural, where that is not changes of the kind's records.
    An action that `sends_idempotency_key` may be repeated after a lost answer; one that `reveals` answers with a secret
    that is shown once. `particle` is the word of its label that follows the record in a sentence: "run … now". An action
    without a key is in the palette and in the command alone. `aliases` are older names
    that the command still takes.
    """

    id: str
    key: str
    help: str
    request: Callable[[Change[Row]], Awaitable[object]]
    in_progress: str
    families: tuple[Family, ...]
    done: str = "{} is changed."
    parameters: tuple[Parameter[object], ...] = ()
    initial: Callable[[Row], Mapping[Parameter[object], str]] = _no_texts
    problem: Callable[[Row, Values], str | None] = _no_problem
    unavailable: Callable[[Row], str | None] = lambda _: None
    closed: Callable[[Session, Row], str | None] = _no_problem
    warning: Callable[[Row], str | None] = lambda _: None
    confirmation: Confirmation | None = None
    is_bulk: bool = False
    in_footer: bool = True
    title: str = ""
    particle: str = ""
    help_has_title: bool = False
    needs: str = ""
    sends_idempotency_key: bool = False
    reveals: bool = False
    aliases: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """How keys and sentences call it."""
        return f"{self.title or self.id} {self.particle}".rstrip()

    def phrase(self, thing: str) -> str:
        """Return the request to do it to something, such as "run automation nightly now"."""
        return f"{self.title or self.id} {thing} {self.particle}".rstrip()

    @property
    def has_initial(self) -> bool:
        """Whether the row gives values for parameters."""
        return self.initial is not _no_texts

    def texts(self, row: Row, given: Mapping[str, str]) -> dict[str, str]:
        """Return a text for each parameter: the given one, else the row's, else the default."""
        initial = {parameter.name: text for parameter, text in self.initial(row).items()}
        return {
            each.name: given.get(each.name, initial.get(each.name, each.default)) for each in self.parameters
        }

    def completed(self, row: Row, values: Values) -> Values:
        """Return values with the row's own for parameters that were not asked for, as a form has no field for them."""
        return Values(self.texts(row, values.texts))


@dataclass(frozen=True, slots=True)
class HiddenRows(Generic[Row]):
    """Rows that the list leaves out: the command lists them with an option, and finds a record among them."""

    option: str
    help: str
    family: Family
    read: Callable[[ClientView], Awaitable[RowPage[Row]]]


@dataclass(frozen=True, slots=True)
class Secrets(Generic[Row]):
    """The secrets of a record, by name, and the field of its JSON that holds them."""

    field: str
    of: Callable[[Row], Mapping[str, Secret]]


# Without slots: `Kind[JobRow](...)` sets an attribute on what it makes, which fails with slots on a frozen class.
@dataclass(frozen=True)
class Kind(Generic[Row]):
    """One kind of record: where its rows come from, what is shown of them, and what can be done to them.

    `contract` cites where the service's behaviour is described. `default_sort` is a column's name, or the keys that
    rows are sorted by. `other_names` are what the command takes for a record beside its label. `hidden_filters` are
    what filters find beside the columns, by name. `empty` is the sentence of an empty list; `needs` is the credential
    that opens one of its sources, None where every credential does. `older` reads what a list that gives the newest
    alone leaves out. A row that `is_quiet` is dim: it is over and well. `open_until`
    returns the instant at which a record ends by itself, None for one that does not: the header counts those that are
    open. With `texts_first` the texts stand above the facts on a small screen. `created_at` is when a record was made,
    which questions before an action tell records apart by. `fields` are the values of JSON and CSV by name, where rows
    come from several routes; else JSON is the service's own record, and CSV has the columns.
    """

    name: str
    title: str
    noun: str
    aliases: tuple[str, ...]
    contract: str
    sources: tuple[Source[Row], ...]
    columns: tuple[Column[Row], ...]
    label: Callable[[Row], str]
    default_sort: str | Callable[[Row], tuple[SortKey, ...]]
    facts: Sequence[Sequence[Fact[Row]]]
    empty: str
    needs: Requirement | None
    texts: tuple[TextBlock[Row], ...] = ()
    other_names: Callable[[Row], Sequence[str]] = lambda _: ()
    hidden_filters: Mapping[str, Callable[[Row], FilterValue]] = field(default_factory=dict)
    links: tuple[Link[Row], ...] = ()
    creations: tuple[Creation, ...] = ()
    actions: tuple[Action[Row], ...] = ()
    descending: bool = False
    join: Join[Row] | None = None
    single: Single[Row] | None = None
    older: Older[Row] | None = None
    logs: LogSource[Row] | None = None
    is_quiet: Callable[[Row], bool] = lambda _: False
    page_in_browser: Callable[[Row], str] | None = None
    open_until: Callable[[Row], datetime | None] | None = None
    hidden: HiddenRows[Row] | None = None
    secrets: Secrets[Row] | None = None
    texts_first: bool = False
    created_at: Callable[[Row], datetime | None] | None = None
    fields: Mapping[str, Callable[[Row], object]] = field(default_factory=dict)

    @property
    def all_actions(self) -> Sequence[Action[Row] | Creation]:
        """Every action: those that make a record, then those on records."""
        return (*self.creations, *self.actions)

    def column(self, name: str) -> Column[Row]:
        """Return a column by its name. Raises KeyError."""
        for each in self.columns:
            if each.name == name:
                return each
        raise KeyError(name)


AnyKind = Kind[Any]
"""A kind whose type of rows is not known: screens and commands give rows back to the kind that they came from."""
AnyRecordAction = Action[Any]
AnyAction = AnyRecordAction | Creation
AnyEntry = Entry[Any]
AnyOlder = Older[Any]
