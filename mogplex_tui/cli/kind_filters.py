"""Filters of a kind as options of its `list`: `--status failed` is the filter `status:=failed`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import datetime

from mogplex_tui.cli.since import moment, since
from mogplex_tui.operate.filters import quoted
from mogplex_tui.operate.kind_rows import filter_name
from mogplex_tui.operate.model import Kind, Row

# Options of the list that mean something else.
_TAKEN = frozenset({"sort", "limit", "reverse", "json", "output", "context", "since", "help"})


def add_filters(parser: argparse.ArgumentParser, kind: Kind[Row]) -> None:
    """Add an option for each filter; those that no column shows by their name are not in the help."""
    choices = {} if kind.older is None else {each.name: list(each.texts) for each in kind.older.filters}
    for name, is_shown in _names(kind):
        if f"--{name}" in parser._option_string_actions:
            continue
        parser.add_argument(
            f"--{name}",
            dest=f"filter_{name}",
            choices=choices.get(name),
            metavar=None if name in choices else "WORD",
            help=f"the same as {name}:WORD" if is_shown else argparse.SUPPRESS,
        )
    if kind.older is not None:
        parser.add_argument(
            "--since",
            type=since,
            metavar="WHEN",
            help="only what was created from here on: 30m, 24h, 7d, a date, or a time",
        )


def filter_words(kind: Kind[Row], args: argparse.Namespace, now: datetime) -> Iterator[str]:
    """Yield the words of the filter that options stand for."""
    choices = frozenset() if kind.older is None else frozenset(each.name for each in kind.older.filters)
    for name, _ in _names(kind):
        value = getattr(args, f"filter_{name}", None)
        if value is not None:
            yield f"{name}:{'=' if name in choices else ''}{quoted(value)}"
    if kind.older is not None and args.since is not None:
        age = (now - moment(args.since, now)).total_seconds()
        yield f"{kind.older.age}:<{max(age, 0.0):.0f}"


def _names(kind: Kind[Row]) -> Iterator[tuple[str, bool]]:
    """Yield the names of filters, and whether each is that of a column."""
    columns = [filter_name(each.name) for each in kind.columns]
    others = [word for each in kind.columns if (word := filter_name(each.title))] + list(kind.hidden_filters)
    for name in dict.fromkeys([*columns, *others]):
        if name and name not in _TAKEN:
            yield name, name in columns
