"""Formats, sorts and filters the rows of a kind as its declaration says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from mogplex_tui.live.collection import Collection
from mogplex_tui.live.freshness import SourceState
from mogplex_tui.live.reasons import Requirement, Subject
from mogplex_tui.operate import formatting, messages
from mogplex_tui.operate.model import Action, Cell, Column, FilterValue, Kind, RenderTime, Row, SortKey

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.collection import Entry
    from mogplex_tui.live.run_row import RunRow
    from mogplex_tui.live.session import Session
    from mogplex_tui.operate.model import Creation, Single

_DASH = Cell(formatting.DASH, "dim")
UNREADABLE_ROW = "This row could not be read."
# Sorts unreadable records before all others: no sort key of a row begins with -1.
_UNREADABLE: tuple[SortKey, ...] = ((-1, 0.0),)
Row_co = TypeVar("Row_co", covariant=True)


class ListedRow(Protocol[Row_co]):
    """A record in a list: an `Entry`, or a `RunRow`."""

    @property
    def key(self) -> str:
        """The key of the record."""

    @property
    def row(self) -> Row_co | None:
        """The row, None for a record that could not be read."""

    @property
    def raw(self) -> object:
        """The JSON of the record as the service sent it."""

    @property
    def unreadable_reason(self) -> str | None:
        """The reason why the record could not be read, None if it was read."""

    @property
    def in_progress(self) -> str | None:
        """The text of a change in progress, None if no change is in progress."""


ReadAt = Callable[[ListedRow[object]], datetime]
"""Returns the time at which durations of a row's running work end."""


ValueGetter = Callable[[ListedRow[Row], Row | None], FilterValue]
"""Returns a record's value for filters; the second argument is None for an unreadable record."""


def filter_name(title: str) -> str:
    """Return the filter field for a column's title or name: its lower-cased letters."""
    return "".join(filter(str.isalpha, title)).lower()


def filter_names(column: Column[Row]) -> tuple[str, ...]:
    """Return the filter fields of a column, made from its name and its title."""
    return tuple(name for name in (filter_name(column.name), filter_name(column.title)) if name)


def name_of(kind: Kind[Row], entry: ListedRow[Row]) -> str:
    """Return the name of a record for sentences.

    A record that could not be read is named by its JSON field `name`, or by its key.
    """
    if entry.row is None:
        name = entry.raw.get("name") if isinstance(entry.raw, dict) else None
        return name if isinstance(name, str) and name else entry.key
    return kind.label(entry.row) or entry.key


# Cells ---------------------------------------------------------------------------------------------------------------


def cells(kind: Kind[Row], entry: ListedRow[Row], moment: RenderTime) -> list[Cell]:
    """Return the cells of a row, one for each column.

    One cell is replaced while a change is in progress, and if the record could not be read. The
    text goes in a column that is never dropped from a narrow table.
    """
    if entry.row is None:
        return _unreadable_cells(kind, entry)
    row = entry.row
    row_cells = [column.cell(row, moment) for column in kind.columns]
    if entry.in_progress is not None:
        position, text = _progress_cell(kind, entry.in_progress, row_cells)
        row_cells[position] = Cell(text, "warn")
    return row_cells


def _unreadable_cells(kind: Kind[Row], entry: ListedRow[Row]) -> list[Cell]:
    """Return the cells of a record that could not be read: a state and the reason.

    The reason is in the error column and the state in the state column. If the kind has no
    error column, both are in the name column.
    """
    glyph, word, tone = formatting.state("unreadable")
    text = f"{glyph} {word}"
    reason = Cell(_cause(entry.unreadable_reason or ""), "error")
    row_cells = [reason if column.is_error else _DASH for column in kind.columns]
    has_error_column = any(column.is_error for column in kind.columns)
    position = _state_position(kind, text) if has_error_column else None
    if position is None:
        position = _name_position(kind)
        text = text if has_error_column else _with_rest(kind.columns[position], text, entry.unreadable_reason)
    row_cells[position] = Cell(text, tone)
    return row_cells


def _progress_cell(kind: Kind[Row], in_progress: str, row_cells: list[Cell]) -> tuple[int, str]:
    """Return the position of the cell that shows a change in progress, and its text.

    The cell is that of the flag which the change sets. If there is no such flag, it is that of a
    state column with room for the text, and otherwise that of the name column.
    """
    for position, column in enumerate(kind.columns):
        if in_progress in column.format.in_progress:
            return position, f"◌ {column.format.in_progress[in_progress]}"
    text = f"◌ {in_progress}"
    state_position = _state_position(kind, text)
    if state_position is not None:
        return state_position, text
    position = _name_position(kind)
    return position, _with_rest(kind.columns[position], text, row_cells[position].text)


def _state_position(kind: Kind[Row], text: str) -> int | None:
    """Return the position of the first permanent state column with room for a text.

    A permanent column is never dropped from a narrow table. Returns None if no such column has
    room.
    """
    for position, column in enumerate(kind.columns):
        if column.format.is_state and not column.layout.priority and column.layout.width >= len(text):
            return position
    return None


def _name_position(kind: Kind[Row]) -> int:
    """Return the position of the column that shows a record's name.

    Prefers a column that gets a share of the spare width.
    """
    lasting = [
        position
        for position, column in enumerate(kind.columns)
        if column.is_text and not column.layout.priority
    ]
    growing = [position for position in lasting if kind.columns[position].layout.flex]
    return (growing or lasting or [0])[0]


def _with_rest(column: Column[Row], text: str, hidden_text: str | None) -> str:
    """Return a text, followed by `hidden_text` if the column is wide enough.

    A column counts as wide if it gets spare width and is cut at its end.
    """
    return f"{text}: {hidden_text}" if column.layout.flex and column.layout.cut == "end" else text


# Filters -------------------------------------------------------------------------------------------------------------


class RowValues(Mapping[str, FilterValue], Generic[Row]):
    """The filter values of one row by field name, computed when they are looked up."""

    __slots__ = ("_entry", "_fields", "_row")

    def __init__(self, entry: ListedRow[Row], fields: FilterFields[Row]) -> None:
        self._entry, self._row, self._fields = entry, entry.row, fields

    def __getitem__(self, name: str) -> FilterValue:
        return self._fields.getters[name](self._entry, self._row)

    def __contains__(self, name: object) -> bool:
        return name in self._fields.getters

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields.getters)

    def __len__(self) -> int:
        return len(self._fields.getters)

    def values(self) -> Iterator[FilterValue]:  # type: ignore[override]
        """Yield each value in which a filter word without a field is searched, once."""
        entry, row = self._entry, self._row
        return (find(entry, row) for find in self._fields.texts)


class FilterFields(Generic[Row]):
    """The fields that filters can use in the rows of a kind, at one point in time.

    A column's field can be written as its name or its title. If `read_at` is given, durations of
    running work end when the row was last read.
    """

    def __init__(self, kind: Kind[Row], now: datetime, read_at: ReadAt | None = None) -> None:
        self._now, self._read_at = now, read_at
        getters: dict[str, ValueGetter[Row]] = {}
        by_column = {column.name: self._of_column(column) for column in kind.columns}
        for index in (0, -1):
            for column in kind.columns:
                names = filter_names(column)
                if names:
                    getters.setdefault(names[index], by_column[column.name])
        if "id" not in kind.hidden_filters:
            getters.setdefault("id", lambda entry, _: entry.key)
        for name, find in kind.hidden_filters.items():
            getters.setdefault(name, self._of_hidden_filter(find))
        self.getters = getters
        # Right-aligned columns hold numbers, prices and spans, in which a word is not searched.
        numbers = {by_column[column.name] for column in kind.columns if column.format.align == "right"}
        self.texts = [find for find in dict.fromkeys(getters.values()) if find not in numbers]

    def values_of(self, entry: ListedRow[Row]) -> RowValues[Row]:
        """Return the filter values of a row by field name."""
        return RowValues(entry, self)

    def _of_column(self, column: Column[Row]) -> ValueGetter[Row]:
        find, now, read_at = column.filter_value, self._now, self._read_at

        def value(entry: ListedRow[Row], row: Row | None) -> FilterValue:
            return _filter_value_of_unreadable(column, entry) if row is None else find(row, now)

        def state(entry: ListedRow[Row], row: Row | None) -> FilterValue:
            if row is not None and entry.in_progress is not None:
                # The filter finds the text that is shown.
                return (formatting.state(entry.in_progress)[1], entry.in_progress)
            return value(entry, row)

        def duration(entry: ListedRow[Row], row: Row | None) -> FilterValue:
            return value(entry, row) if row is None or read_at is None else find(row, read_at(entry))

        if column.format.is_state and not column.format.in_progress:
            return state
        return value if column.sort_at is None else duration

    @staticmethod
    def _of_hidden_filter(find: Callable[[Row], FilterValue]) -> ValueGetter[Row]:
        return lambda _, row: None if row is None else find(row)


def _cause(error: str) -> str:
    return formatting.cause(_redacted_line(error))


def _redacted_line(error: str) -> str:
    # Importing the redaction rules takes time before the first frame, and most rows are readable.
    from mogplex_tui.live import redact

    return redact.text(formatting.first_line(error))


def _filter_value_of_unreadable(column: Column[Row], entry: ListedRow[Row]) -> FilterValue:
    if column.is_error and entry.unreadable_reason:
        error = _redacted_line(entry.unreadable_reason)
        return (formatting.cause(error), error)
    return ("unreadable",) if column.format.is_state else None


def filter_field_names(kind: Kind[Row]) -> list[str]:
    """Return the names of all filter fields of a kind, those of columns first."""
    by_columns = (name for column in kind.columns for name in filter_names(column))
    return list(dict.fromkeys([*by_columns, "id", *kind.hidden_filters]))


def sort_names(kind: Kind[Row]) -> dict[str, str]:
    """Return a mapping of the words for a sort order to the names of columns.

    The words are the names of the columns and, if no column has this name, their titles.
    """
    names = {column.name: column.name for column in kind.columns}
    for column in kind.columns:
        for word in filter_names(column):
            names.setdefault(word, column.name)
    return names


def span_names(kind: Kind[Row]) -> frozenset[str]:
    """Return the names of the filter fields that hold time spans."""
    return frozenset(
        name for column in kind.columns if column.format.is_span for name in filter_names(column)
    )


def example_filter(kind: Kind[Row], entry: ListedRow[Row], now: datetime) -> str | None:
    """Return a filter term that matches a row, for use as an example.

    Returns None if no column has a suitable value.
    """
    if entry.row is None:
        return None
    for column in kind.columns:
        value = column.filter_value(entry.row, now) if column.is_text else None
        text = str(value[0] if isinstance(value, tuple) and value else value or "").split(" ")[0][:24]
        if text.isprintable() and text[:1].isalnum() and '"' not in text:
            return f"{filter_names(column)[-1]}:{text}"
    return None


# Orders --------------------------------------------------------------------------------------------------------------


def sort_key_of(
    kind: Kind[Row], column: str | None, read_at: ReadAt
) -> Callable[[ListedRow[Row]], tuple[SortKey, ...]]:
    """Return the function that computes a row's sort key.

    `column` is the name of the column to sort by, None for the kind's default order. Raises
    KeyError for an unknown column.
    """
    default = kind.default_sort
    if column is None and not isinstance(default, str):
        return lambda entry: _UNREADABLE if (row := entry.row) is None else default(row)
    sort_column = kind.column(column or str(default))
    sort, sort_at = sort_column.sort, sort_column.sort_at
    if sort_at is not None:
        return lambda entry: _UNREADABLE if (row := entry.row) is None else (sort_at(row, read_at(entry)),)
    return lambda entry: _UNREADABLE if (row := entry.row) is None else (sort(row),)


# Sources and reach ---------------------------------------------------------------------------------------------------


def related_sources(
    kind: Kind[Row], session: Session, hidden: frozenset[str] = frozenset()
) -> list[SourceState]:
    """Return the freshness of the other lists from which columns are filled.

    `hidden` names the columns and lists to leave out.
    """
    states = []
    for name, related in {} if kind.join is None else kind.join.related.items():
        if name in hidden:
            continue
        columns = [column for column in related.columns if column not in hidden]
        titles = " and ".join(kind.column(column).title or column for column in columns)
        subject = related.subject or (Subject(titles, is_plural=len(columns) > 1) if titles else None)
        if subject is None:
            continue
        rows = session.store.set(name)
        parts = [part for part_name, part in rows.sources.items() if related.source in ("", part_name)]
        for fresh in (rows.freshness, *(part.freshness for part in parts)):
            states.append(SourceState(subject, frozenset(columns), fresh, None))
    return states


def closed_reason(kind: Kind[Row], action: Action[Row] | Creation, session: Session) -> str | None:
    """Return why the credential cannot perform an action on any record.

    The text also names the credential that could. Returns None if at least one route of the
    action may be usable.
    """
    if not isinstance(action, Action) and (reason := action.unavailable_reason(session)) is not None:
        return reason
    closed = session.closed(action.families)
    if closed is None:
        return None
    subject = action.needs if isinstance(action, Action) else ""
    needs = Requirement(subject or f"changes of {formatting.plural_noun(kind.noun)}")
    return " ".join(messages.closed_lines(closed, needs))


def unavailable_reason(action: Action[Row] | Creation, entry: ListedRow[Row], session: Session) -> str | None:
    """Return why an action cannot be performed on a record, None if it can.

    Always None for a `Creation`, which acts on the whole list.
    """
    if not isinstance(action, Action):
        return None
    if entry.row is None:
        return UNREADABLE_ROW
    return action.unavailable_reason(entry.row) or action.closed_reason(session, entry.row)


def run_of(kind: Kind[Row], entry: ListedRow[Row] | None) -> RunRow | None:
    """Return the run or job that a record stands for, None if it stands for none."""
    if entry is None or entry.row is None or kind.run_of is None:
        return None
    return kind.run_of(entry.row)


def new_collection(session: Session, kind: Kind[Row]) -> Collection[Row]:
    """Return a collection that reads and holds the rows of a kind."""
    join, single = kind.join, kind.single
    return Collection(
        session,
        kind.name,
        kind.sources,
        related=() if join is None else join.related,
        join=None if join is None else join.fill,
        merge=None if single is None else single.merge,
        depends_on_time=join is not None and join.depends_on_time,
        open_until=kind.open_until,
        read_hidden=None if kind.hidden is None else kind.hidden.read,
    )


async def read_single(single: Single[Row], client: ClientView, entry: Entry[Row]) -> Entry[Row]:
    """Read a single record, with more fields than the list has.

    If the response has no JSON, the returned entry keeps the JSON from the list.
    """
    single_entry = await single.read(client, entry.key, entry.row)
    return single_entry if single_entry.raw is not None else replace(single_entry, raw=entry.raw)
