"""Types for declarations of kinds of records: columns, sources and actions.

The console's screens and the command line are both generated from these declarations. A
declaration is typed by the row class of its kind, and its callables take such rows, so that the
type checker finds a misspelt field, column or parameter.
`mogplex_tui/operate/kinds/mcp_servers.py` is a short example.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from mogplex_tui.live.collection import Entry as Entry
from mogplex_tui.live.collection import RowPage as RowPage
from mogplex_tui.live.collection import Source as Source
from mogplex_tui.operate.column_model import Cell as Cell
from mogplex_tui.operate.column_model import Column as Column
from mogplex_tui.operate.column_model import FilterValue as FilterValue
from mogplex_tui.operate.column_model import Format as Format
from mogplex_tui.operate.column_model import Layout as Layout
from mogplex_tui.operate.column_model import RenderTime as RenderTime
from mogplex_tui.operate.column_model import SortKey as SortKey
from mogplex_tui.operate.column_model import Value as Value
from mogplex_tui.operate.column_model import column as column
from mogplex_tui.operate.column_model import is_empty
from mogplex_tui.operate.parameters import Choice as Choice
from mogplex_tui.operate.parameters import Parameter as Parameter
from mogplex_tui.operate.parameters import Values as Values

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.route_access import Family
    from mogplex_tui.config.secret import Secret
    from mogplex_tui.live.reasons import Requirement, Subject
    from mogplex_tui.live.run_row import RunRow
    from mogplex_tui.live.session import Session
    from mogplex_tui.operate.failure_groups import FailureGroupings
    from mogplex_tui.operate.log_source import LogSource

Row = TypeVar("Row")
V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)
M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Fact(Generic[Row]):
    """One line of a record's page: a label and a value."""

    label: str
    value: Callable[[Row], Value]
    format: Callable[[Row, RenderTime], Cell] | None = None
    optional: bool = False
    """Whether the line is left out when there is no value; otherwise it shows a dash."""


def fact(
    label: str, value: Callable[[Row], V | None], format: Format[V], *, optional: bool = False
) -> Fact[Row]:
    """Return a fact whose value is shown in a format, such as a state or an error."""

    def cell(row: Row, moment: RenderTime) -> Cell:
        content = value(row)
        return Cell("", "dim") if content is None or is_empty(content) else format.show(content, moment)

    return Fact(label, value, cell, optional)  # type: ignore[arg-type]  # as in `column`


@dataclass(frozen=True, slots=True)
class TextBlock(Generic[Row]):
    """A long text on a record's page; an empty text is not shown."""

    title: str
    value: Callable[[Row], str | None] = lambda _: None
    lines: Callable[[Row, RenderTime], Sequence[str]] | None = None
    """Used in place of `value` for a text that depends on the time."""

    def text(self, row: Row, moment: RenderTime) -> str | None:
        """Return the text of a row."""
        return self.value(row) if self.lines is None else "\n".join(self.lines(row, moment))


@dataclass(frozen=True, slots=True)
class Link(Generic[Row]):
    """A link on a record's page, to another record or to a filtered list."""

    label: str
    kind: str
    text: Callable[[Row], str]
    key: Callable[[Row], str | None] | None = None
    """Returns the key of the linked record, None to hide the link."""
    filter: Callable[[Row], str | None] | None = None
    """Returns the filter of the linked list, None to hide the link."""
    span: Callable[[Row], tuple[datetime, datetime | None] | None] = lambda _: None
    """Returns the start and end of the time in which the linked records were created.

    The end is None while the record is live. The whole result is None if the time is not known.
    """


@dataclass(frozen=True, slots=True)
class Single(Generic[Row]):
    """How to read a single record, if its own route returns more than the list."""

    read: Callable[[ClientView, str, Row | None], Awaitable[Entry[Row]]]
    """Reads a record by its key and its row; the row is None if the list does not have it.

    If the returned entry has no JSON, it keeps the JSON from the list.
    """
    merge: Callable[[Row, Row], Row]
    """Returns the first row with the fields that only the record's own route returns.

    The first row is from a newer read of the list, the second from a read of the record.
    """


class Window(NamedTuple):
    """A query for older records: a time range, and filters that the service applies."""

    since: datetime | None = None
    until: datetime | None = None
    filters: Mapping[str, str] = MappingProxyType({})
    """The values of query parameters, by parameter name."""


class ServiceFilter(NamedTuple):
    """A filter field that the service can apply, with its query parameter."""

    name: str
    """The name of the field in the console's filters."""
    parameter: str
    """The query parameter with which the service applies the filter."""
    texts: Mapping[str, Sequence[str]] = MappingProxyType({})
    """The values of the query parameter, each with the texts that stand for it in a filter."""
    value_of: Callable[[Session, str], str | None] = lambda _, __: None
    """Returns the value for a text that is not in `texts`, None if the text is ambiguous."""


@dataclass(frozen=True, slots=True)
class Older(Generic[Row]):
    """How to read older records, for a list that returns only the newest ones."""

    read: Callable[[ClientView, Window], Awaitable[RowPage[Row]]]
    """Returns the newest records that a window selects, and how many it selects in total."""
    began: Callable[[Row], datetime | None]
    """Returns the time of a record that is compared with the window's range."""
    filters: tuple[ServiceFilter, ...] = ()
    age: str = "age"
    """The name of the filter field for a record's age."""


@dataclass(frozen=True, slots=True)
class Related:
    """The columns of a kind that are filled from the list of one other kind."""

    columns: tuple[str, ...] = ()
    subject: Subject | None = None
    """What the other list provides, named in messages; by default the titles of the columns."""
    source: str = ""
    """The name of the other list's source that is needed, if the list has several."""


@dataclass(frozen=True, slots=True)
class Join(Generic[Row]):
    """How to fill fields of rows from the lists of other kinds.

    Rows are filled when they are read, and again when one of the other lists changes.
    """

    fill: Callable[[Session], Callable[[Row], Row]]
    """Returns the function that fills one row; called once for each page of rows."""
    related: Mapping[str, Related] = field(default_factory=dict)
    """The other kinds whose lists are used, by name."""
    names: bool = False
    """Whether the names of repositories and agents are used."""
    depends_on_time: bool = False
    """Whether rows are also filled every second, because time changes the result."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The question that is asked before an action."""

    consequences: Sequence[str]
    """Sentences that say what the action does."""
    yes: str
    """The label of the button that confirms the action."""
    is_asked_in_command: bool = True
    """Whether the command asks for confirmation in every context.

    Otherwise it asks only in a protected context.
    """


class Result(NamedTuple):
    """The result of an action whose response has more than success or failure."""

    is_success: bool
    sentence: str
    """The sentence to show, in which `{}` and `{name}` stand for the record's name.

    `{}` is used at the beginning of the sentence, `{name}` elsewhere.
    """
    secret: Secret | None = None
    """A secret that is shown once and not stored."""
    new_id: str | None = ""
    """The id of the created record, which the command prints.

    It is empty for an action that creates no record, and None if the record was not created.
    """
    fields: Mapping[str, object] = MappingProxyType({})
    """The fields of the response that the command prints as JSON."""


@dataclass(frozen=True, slots=True)
class Change(Generic[Row]):
    """The arguments of the function that sends an action's request."""

    client: ClientView
    key: str
    row: Row
    values: Values
    idempotency_key: str = ""
    """The key to send with the request, empty if the action sends none."""
    is_retry: bool = False
    """Whether the response to an earlier attempt with the same key was lost."""
    session: Session = field(kw_only=True)
    """The session, for a request whose route depends on the credential."""


@dataclass(frozen=True, slots=True)
class Creation:
    """An action on a whole list, such as creating a record.

    A creation has no row; parameters are its only input.
    """

    id: str
    key: str
    help: str
    parameters: tuple[Parameter[object], ...]
    name: Callable[[Values], str]
    """Returns the name of the new record.

    If `makes_record` is false, returns the name of what the action changes.
    """
    request: Callable[[ClientView, Values], Awaitable[object]]
    in_progress: str
    families: tuple[Family, ...]
    done: str = "{} is created."
    confirmation: Confirmation | None = None
    reveals: bool = False
    """Whether the response has a secret, which is shown once."""
    makes_record: bool = True
    problem: Callable[[Values], str | None] = lambda _: None
    """Returns why the values do not go together, None if they do.

    Each value is valid by itself.
    """
    help_has_title: bool = False
    """Whether `help` begins with the label, which the help screen then leaves out."""
    unavailable_reason: Callable[[Session], str | None] = lambda _: None
    """Returns why the credential cannot perform the action, None if it can."""
    sends_idempotency_key: bool = False
    title: str = ""

    @property
    def label(self) -> str:
        """The name of the action in key hints and sentences."""
        return self.title or self.id

    def phrase(self, noun: str) -> str:
        """Return the action as an imperative, such as "create automation nightly"."""
        return f"{self.id} {noun}"


def _no_problem(_: object, __: object) -> None:
    return None


def _no_texts(_: object) -> Mapping[Parameter[object], str]:
    return {}


@dataclass(frozen=True, slots=True)
class Action(Generic[Row]):
    """A change to one record, made with one request."""

    id: str
    key: str
    """The default key.

    If it is empty, the action is only in the palette and on the command line.
    """
    help: str
    """What the action does, as a sentence without a full stop."""
    request: Callable[[Change[Row]], Awaitable[object]]
    """Sends the request that makes the change; may return a `Result`."""
    in_progress: str
    """The state that the record shows until the list is read again."""
    families: tuple[Family, ...]
    """The route families that the request can use; one of them must be open."""
    done: str = "{} is changed."
    """The sentence that is shown after success, with placeholders as in `Result.sentence`."""
    parameters: tuple[Parameter[object], ...] = ()
    initial: Callable[[Row], Mapping[Parameter[object], str]] = _no_texts
    """Returns the texts with which the form starts, taken from the row."""
    problem: Callable[[Row, Values], str | None] = _no_problem
    """Returns why the values do not go together, None if they do.

    Each value is valid by itself.
    """
    unavailable_reason: Callable[[Row], str | None] = lambda _: None
    """Returns why the state of a row does not allow the action, None if it does."""
    closed_reason: Callable[[Session, Row], str | None] = _no_problem
    """Returns why the credential cannot perform the action on a row, None if it can."""
    warning: Callable[[Row], str | None] = lambda _: None
    """Returns an additional line for the confirmation of certain rows, None for other rows."""
    preview: Callable[[Row, RenderTime], tuple[str, str]] | None = None
    """Returns a heading and a text of a row, which a dialog shows in full before the decision."""
    confirmation: Confirmation | None = None
    is_bulk: bool = False
    """Whether the action can be performed on all marked rows together."""
    is_urgent: bool = False
    """Whether a request that a rate limit refused is sent before other refused ones."""
    in_footer: bool = True
    title: str = ""
    help_has_title: bool = False
    """Whether `help` begins with the label, which the help screen then leaves out."""
    needs: str = ""
    """What the credential is needed for, as a plural noun in messages.

    By default, changes of the kind's records.
    """
    sends_idempotency_key: bool = False
    """Whether requests have an idempotency key, so that a lost one can be repeated safely."""
    reveals: bool = False
    """Whether the response has a secret, which is shown once."""
    aliases: tuple[str, ...] = ()
    """Older names that the command line still accepts."""

    @property
    def label(self) -> str:
        """The name of the action in key hints and sentences."""
        return self.title or self.id

    def phrase(self, noun: str) -> str:
        """Return the action as an imperative, such as "publish automation nightly"."""
        return f"{self.label} {noun}"

    @property
    def has_initial(self) -> bool:
        """Whether the action's form is filled with texts from the row at first."""
        return self.initial is not _no_texts

    def texts(self, row: Row, values: Mapping[str, str]) -> dict[str, str]:
        """Return the text of each parameter by name.

        It is the text in `values`, or the row's text if `values` has none, or else the default of the
        parameter.
        """
        initial = {parameter.name: text for parameter, text in self.initial(row).items()}
        return {
            each.name: values.get(each.name, initial.get(each.name, each.default)) for each in self.parameters
        }

    def completed(self, row: Row, values: Values) -> Values:
        """Return `values` with the row's texts added for parameters that have no value."""
        return Values(self.texts(row, values.texts))


@dataclass(frozen=True, slots=True)
class HiddenRows(Generic[Row]):
    """The records that a list leaves out by default, and the option that shows them."""

    option: str
    help: str
    family: Family
    read: Callable[[ClientView], Awaitable[RowPage[Row]]]


@dataclass(frozen=True, slots=True)
class Secrets(Generic[Row]):
    """How to find the secrets of a record."""

    field: str
    """The field of the record's JSON that contains the secrets."""
    of: Callable[[Row], Mapping[str, Secret]]
    """Returns the record's secrets by name."""


# Without slots: `Kind[JobRow](...)` sets an attribute on what it makes, which fails with slots on a frozen class.
@dataclass(frozen=True)
class Kind(Generic[Row]):
    """The declaration of one kind of record: its sources, display and actions."""

    name: str
    title: str
    noun: str
    aliases: tuple[str, ...]
    contract: str
    """The files and sections of the contract that describe the kind."""
    sources: tuple[Source[Row], ...]
    """The ways to read the rows; the first whose route family is open is used."""
    columns: tuple[Column[Row], ...]
    label: Callable[[Row], str]
    """Returns the name of a record in sentences and headings."""
    default_sort: str | Callable[[Row], tuple[SortKey, ...]]
    """The name of a column, or a function that returns the sort keys of a row."""
    facts: Sequence[Sequence[Fact[Row]]]
    """Groups of facts on the record's page."""
    empty: str
    """The sentence shown for an empty list; an action id in braces is replaced by its key."""
    needs: Requirement | None
    """The credential that the kind's sources need, None if every credential can read them."""
    texts: tuple[TextBlock[Row], ...] = ()
    other_names: Callable[[Row], Sequence[str]] = lambda _: ()
    """Returns further names, besides the label, that commands accept for a record."""
    hidden_filters: Mapping[str, Callable[[Row], FilterValue]] = field(default_factory=dict)
    """Filter fields that have no column, by name."""
    links: tuple[Link[Row], ...] = ()
    creations: tuple[Creation, ...] = ()
    actions: tuple[Action[Row], ...] = ()
    descending: bool = False
    join: Join[Row] | None = None
    single: Single[Row] | None = None
    older: Older[Row] | None = None
    logs: LogSource[Row] | None = None
    failed_filter: str = ""
    """The filter that selects the failed records; empty if records of the kind cannot fail."""
    failure_groupings: FailureGroupings[Row] | None = None
    """How failed records are grouped; None if the list does not offer groups."""
    live_filter: str = ""
    """The filter that selects the records at work; empty if records of the kind do no work."""
    is_quiet: Callable[[Row], bool] = lambda _: False
    """Returns whether a row is drawn dim, because its work ended well."""
    run_of: Callable[[Row], RunRow] | None = None
    """Returns the run or job that a record stands for; None if records are no runs."""
    page_in_browser: Callable[[Row], str] | None = None
    open_until: Callable[[Row], datetime | None] | None = None
    """Returns when a record expires, None for never.

    The header counts the records that have not expired.
    """
    similarity_key: Callable[[Row], tuple[object, ...]] | None = None
    """Returns what rows have in common that are marked together, None for no such marks."""
    hidden: HiddenRows[Row] | None = None
    secrets: Secrets[Row] | None = None
    texts_first: bool = False
    """Whether a small screen shows the texts above the facts."""
    created_at: Callable[[Row], datetime | None] | None = None
    """Returns the creation time, which confirmations show to tell records apart."""
    fields: Mapping[str, Callable[[Row], object]] = field(default_factory=dict)
    """The fields of JSON and CSV output, for rows that come from several routes.

    If it is empty, JSON output is the service's record and CSV has the columns.
    """

    @property
    def all_actions(self) -> Sequence[Action[Row] | Creation]:
        """All actions of the kind; those on the whole list come first."""
        return (*self.creations, *self.actions)

    def column(self, name: str) -> Column[Row]:
        """Return the column with this name. Raises KeyError."""
        for each in self.columns:
            if each.name == name:
                return each
        raise KeyError(name)


AnyKind = Kind[Any]
"""A kind whose row type is not known.

Generic screens pass rows only to the kind that the rows came from.
"""
AnyRecordAction = Action[Any]
AnyAction = AnyRecordAction | Creation
AnyEntry = Entry[Any]
AnyOlder = Older[Any]
