"""Every kind of the console as a document: what it is called, where its rows come from, what can be done to them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mogplex_tui.api.access import Family
from mogplex_tui.operate.kinds.base import Field, Kind
from mogplex_tui.operate.kinds.registry import TABS, kinds
from mogplex_tui.operate.kinds.verb import Verb

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "kinds.md"

_HEAD = """\
# Kinds of the console

Made by `make docs` from what each module below `mogplex_tui/operate/kinds` declares; a test fails when it is not
current. `:` and any of the names opens the list, `⏎` a record, `j` there its JSON. CONTRIBUTING.md says how to add one.

A road is one way to the rows: the first whose family is open to the credential is taken. *Tables* are the realtime
tables that announce a change; without realtime the list is read every so many seconds.
"""


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    escaped = (tuple(cell.replace("|", "\\|") for cell in line) for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in escaped)


def _column(field: Field) -> str:
    title = field.title or field.key
    return f"**{title}**" if field.priority == 0 else title


def _asks(verb: Verb) -> str:
    asked = [verb.wish.label] if verb.wish is not None else []
    asked += [
        f"{parameter.name}: {parameter.help}."
        for parameter in verb.parameters
        if not parameter.only_in_command
    ]
    return " ".join(f"{each.rstrip('.')}." for each in (*asked, *verb.means)) or "–"


def _section(kind: Kind, digits: dict[str, str]) -> str:
    names = [f"`:{name}`" for name in (kind.name, *kind.aliases)]
    if kind.name in digits:
        names.append(f"the digit `{digits[kind.name]}`")
    roads = (
        (
            "a file of the console" if road.family is Family.OTHER else f"`{road.family}`",
            ", ".join(f"`{table}`" for table in sorted(road.tables)) or "–",
            f"{road.blind:g} s",
            road.notice or "–",
        )
        for road in kind.roads
    )
    verbs = [
        (
            f"`{verb.key}`" if verb.key else "–",
            verb.title,
            verb.help,
            _asks(verb),
            "yes" if verb.many else "–",
        )
        for verb in kind.verbs
    ]
    parts = [
        f"## {kind.title}\n",
        f"{', '.join(names)}. Contract: {kind.contract or 'none, it is the console’s own'}.\n",
        f"Columns, those that never drop in bold: {', '.join(map(_column, kind.fields))}.\n",
        _table(("road", "tables", "read every", "what it hides"), roads),
        _table(("key", "verb", "what it does", "what is asked before", "on many"), verbs)
        if verbs
        else "Nothing is done to these from here.\n",
    ]
    return "\n".join(parts)


def document() -> str:
    """The Markdown text of the page."""
    found = sorted(kinds().values(), key=lambda kind: kind.title.lower())
    digits = {name: digit for digit, _, name in TABS}
    count = sum(len(kind.verbs) for kind in found)
    return "\n".join(
        [_HEAD, f"{len(found)} kinds, {count} verbs.\n", *(_section(kind, digits) for kind in found)]
    )
