"""The reference page of kinds: names, sources, columns and actions."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mogplex_tui.api.errors import with_full_stop
from mogplex_tui.api.route_access import Family
from mogplex_tui.operate import messages
from mogplex_tui.operate.kinds.registry import TABS, kinds
from mogplex_tui.operate.model import Action, AnyAction, AnyKind, Column

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reference" / "kinds.md"

_HEAD = """\
# Kinds of the console

Made by `make docs` from the modules in `mogplex_tui/operate/kinds`; a test fails when it is not current. A kind is one
type of record, such as jobs or sandboxes. `:` and one of its names opens the list. CONTRIBUTING.md says how to add one.

A source is one way to read the list. The console uses the first source that the credential opens. *Tables* are the
realtime tables that announce a change; without realtime, the list is read again after the time in the next column.
"""


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    escaped = (tuple(cell.replace("|", "\\|") for cell in line) for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in escaped)


def _column(column: Column[Any]) -> str:
    title = column.title or column.name
    return f"**{title}**" if column.layout.priority == 0 else title


def _asks(action: AnyAction) -> str:
    asked = [
        f"{parameter.name}: {parameter.help}."
        for parameter in action.parameters
        if not parameter.only_in_command
    ]
    means = () if action.confirmation is None else action.confirmation.consequences
    return " ".join(f"{each.rstrip('.')}." for each in (*asked, *means)) or "–"


def _section(kind: AnyKind, digits: dict[str, str]) -> str:
    names = [f"`:{name}`" for name in (kind.name, *kind.aliases)]
    if kind.name in digits:
        names.append(f"the digit `{digits[kind.name]}`")
    sources = (
        (
            "a file of this machine" if source.family is Family.OTHER else f"`{source.family}`",
            ", ".join(f"`{table}`" for table in sorted(source.tables)) or "–",
            f"{source.poll_without_realtime:g} s",
            "–" if source.notice is None else messages.notices_text((source.notice,)),
        )
        for source in kind.sources
    )
    actions = [
        (
            f"`{action.key}`" if action.key else "–",
            action.label,
            with_full_stop(action.help),
            _asks(action),
            "yes" if isinstance(action, Action) and action.is_bulk else "–",
        )
        for action in kind.all_actions
    ]
    parts = [
        f"## {kind.title}\n",
        f"{', '.join(names)}. Contract: {kind.contract or 'none; the console’s own record'}.\n",
        f"Columns (a narrow terminal keeps those in bold): {', '.join(map(_column, kind.columns))}.\n",
        _table(("source", "tables", "read every", "what is missing"), sources),
        _table(("key", "action", "effect", "question before it", "on several records"), actions)
        if actions
        else "No actions.\n",
    ]
    return "\n".join(parts)


def document() -> str:
    """The Markdown text of the page."""
    found = sorted(kinds().values(), key=lambda kind: kind.title.lower())
    digits = {name: digit for digit, _, name in TABS}
    count = sum(len(kind.all_actions) for kind in found)
    return "\n".join(
        [_HEAD, f"{len(found)} kinds, {count} actions.\n", *(_section(kind, digits) for kind in found)]
    )
