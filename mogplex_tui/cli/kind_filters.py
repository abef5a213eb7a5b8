"""Filter options of `list`, such as `--status failed` for `status:=failed`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Generic

from mogplex_tui.api.request_checks import is_uuid
from mogplex_tui.cli.command_context import CommandError
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.cli.time_arguments import parse_since, to_utc
from mogplex_tui.operate import kind_rows
from mogplex_tui.operate.filters import compile_filter, pattern_problem, quoted, unknown_field
from mogplex_tui.operate.kind_rows import ListedRow, filter_name
from mogplex_tui.operate.model import Kind, Row

# Options of `list` that are not filters.
_OTHER_OPTIONS = frozenset({"sort", "limit", "reverse", "json", "output", "context", "since", "help"})


def add_filters(parser: argparse.ArgumentParser, kind: Kind[Row]) -> None:
    """Add an option for each filter field of a kind.

    The help shows only the options that are named like a column.
    """
    choices = _fixed_values(kind)
    for name, is_shown in _filter_fields(kind):
        if f"--{name}" in parser._option_string_actions:
            continue
        parser.add_argument(
            f"--{name}",
            dest=f"filter_{name}",
            action="append",
            choices=choices.get(name),
            metavar=None if name in choices else "WORD",
            help=f"filter by {name} (same as {name}:WORD); may be repeated"
            if is_shown
            else argparse.SUPPRESS,
        )
    if kind.older is not None:
        parser.add_argument(
            "--since",
            type=parse_since,
            metavar="WHEN",
            help="list only records created since WHEN: 30m, 24h, 7d, a date or a time",
        )


class RowFilter(Generic[Row]):
    """The filter of `list`, combined from its filter words and filter options.

    `text` is the filter that every row must match. In addition, a row must match one of the
    values of each option that is given several times, which filter text cannot express. Raises
    CommandError for a field that the kind does not have.
    """

    def __init__(self, kind: Kind[Row], args: argparse.Namespace, now: datetime) -> None:
        terms = [*args.filter, *map(quoted, getattr(args, "filter_", None) or ())]
        alternatives = []
        choices = _fixed_values(kind)
        for name, _ in _filter_fields(kind):
            values = getattr(args, f"filter_{name}", None) or ()
            option_terms = [_term(kind, name, value, is_exact=name in choices) for value in values]
            if len(option_terms) == 1:
                terms += option_terms
            elif option_terms:
                alternatives.append(option_terms)
        if kind.older is not None and args.since is not None:
            age = (now - to_utc(args.since, now)).total_seconds()
            terms.append(f"{kind.older.age}:<{max(age, 0.0):.0f}")
        self.text = " ".join(terms)
        _check_fields(kind, self.text)
        fields, spans = kind_rows.FilterFields(kind, now), kind_rows.span_names(kind)
        groups = [[self.text], *alternatives] if self.text else alternatives
        self._groups = [
            [test for text in group if (test := compile_filter(text, fields.values_of, spans)) is not None]
            for group in groups
        ]

    @property
    def matches(self) -> Callable[[ListedRow[Row]], bool] | None:
        """Return the function that tests a row, None if every row matches."""
        return self._matches if any(self._groups) else None

    def _matches(self, row: ListedRow[Row]) -> bool:
        return all(any(accept(row) for accept in group) for group in self._groups)


def _term(kind: Kind[Row], name: str, value: str, *, is_exact: bool) -> str:
    if name == "repo" and "project" in kind.hidden_filters and is_uuid(value.strip()):
        # Sub-projects share the repository's name, so only the id identifies one.
        return f"project:{value.strip().lower()}"
    return f"{name}:{'=' if is_exact else ''}{quoted(value)}"


def _check_fields(kind: Kind[Row], text: str) -> None:
    if problem := pattern_problem(text):
        raise CommandError(Exit.USAGE, f"Invalid pattern {problem}.")
    known_fields = sorted(kind_rows.filter_field_names(kind))
    if (field := unknown_field(text, known_fields)) is not None:
        raise CommandError(Exit.USAGE, f"Unknown field {field!r}. Available: {', '.join(known_fields)}.")


def _fixed_values(kind: Kind[Row]) -> dict[str, list[str]]:
    """Return the possible values of filter fields that have a fixed set of values.

    Only filters that the service can apply have fixed values.
    """
    if kind.older is None:
        return {}
    return {
        service_filter.name: list(
            dict.fromkeys(
                text for texts in service_filter.texts.values() for text in texts if " " not in text
            )
        )
        for service_filter in kind.older.filters
        if service_filter.texts
    }


def _filter_fields(kind: Kind[Row]) -> Iterator[tuple[str, bool]]:
    """Yield each filter field, and whether it is named like a column.

    A field can also come from a column's title, or have no column.
    """
    columns = [filter_name(column.name) for column in kind.columns]
    title_names = [word for column in kind.columns if (word := filter_name(column.title))] + list(
        kind.hidden_filters
    )
    for name in dict.fromkeys([*columns, *title_names]):
        if name and name not in _OTHER_OPTIONS:
            yield name, name in columns
