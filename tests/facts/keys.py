"""The reference page of keys: default key, scope and id of each action."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mogplex_tui.config.keymap import display_name
from mogplex_tui.operate.action_registry import ACTIONS, BY_ID, KeyAction, register_kind, with_key_names
from mogplex_tui.operate.cursor_movement import EVENT, LIST, MOVES, PAGE, RECORD, TAIL
from mogplex_tui.operate.key_overrides import FIXED_KEYS, RESERVED_KEYS
from mogplex_tui.operate.kinds.registry import kinds

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reference" / "keys.md"

_HEAD = """\
# Keys of the console

Made by `make docs` from the registry; a test fails when it is not current. These are the default keys. `?` shows the keys
of the current screen, and `mogplex-tui info --keys` prints all keys as your config file sets them.

The table `[keys]` in `config.toml` gives an action other keys. An entry is the id of the action and a key, or a list of
keys; the first one is shown in the key bar and in the help.

    [keys]
    "runs.cancel" = "ctrl+x"
    "sandboxes.stop" = ["X"]
    "go.back" = ["escape", "backspace"]
    "kind.json" = "J"
    "move.down" = ["down", "j"]

A key is written as its character (`X`, `/`), by its name (`escape`, `enter`, `space`, `pagedown`, `f5`) or with `ctrl+`,
`alt+` or `shift+` before it. Another action may take a default key that you replaced. An entry that cannot work is
reported at the start, by `mogplex-tui info` and by `mogplex-tui doctor`, and its action keeps its default keys. This
happens for an unknown id, for a key that a terminal does not send, and for a key that means something else on the same
screen.

"""


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    escaped = (tuple(cell.replace("|", "\\|") for cell in line) for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in escaped)


def written(keys: Iterable[str]) -> str:
    """Return keys as they are written in the file."""
    return " ".join(f"`{display_name(key)}`" for key in keys) or "–"


_WHERE = {
    "everywhere": "everywhere",
    "runs": "the runs",
    "run": "a run",
    "projects": "projects",
    "lists": "other lists",
    "failing": "lists of what can fail",
    "working": "lists of what does work",
    "grouped": "failures",
    "groups": "failure groups",
    "waterfall": "waterfall",
    "costs": "costs",
    "timed": "lists with older records",
    "details": "other records",
    "logs": "records with a log",
    "observability": "observability",
}


def _row(action: KeyAction) -> tuple[str, ...]:
    where = ", ".join(words for scope, words in _WHERE.items() if scope in action.scopes)
    return f"`{action.id}`", written(action.defaults), action.title, where, with_key_names(action.help)


def document() -> str:
    """The Markdown text of the page."""
    actions = []
    for kind in sorted(kinds().values(), key=lambda kind: kind.title.lower()):
        register_kind(kind)
        actions += [BY_ID[f"{kind.name}.{each.id}"] for each in kind.all_actions]
    fixed = "; ".join(f"`{key}` {why}" for key, why in FIXED_KEYS.items())
    kept = ", ".join(written([key]) for key in RESERVED_KEYS)
    places = ((LIST, "a list"), (TAIL, "a tail"), (RECORD, "a record"), (PAGE, "a page"), (EVENT, "an event"))
    moves = (
        (f"`{move.id}`", *(written(move.defaults[place]) for place, _ in places), move.words[LIST])
        for move in MOVES
    )
    return "\n".join(
        [
            f"{_HEAD}These keys cannot be changed: {fixed}. An action that has {kept} below keeps it.\n",
            "In dialogs, in the palette and in text fields, `enter`, `escape` and letters keep their meaning.\n",
            "## Actions\n",
            _table(("id", "keys", "name", "where", "action"), map(_row, ACTIONS)),
            "## Cursor movement\n",
            "A tail is the events of a run, or a log. A page is observability, the JSON of a record, or `?`.\n"
            "An event is an open event of a run.\n",
            _table(("id", *(f"in {words}" for _, words in places), "action in a list"), moves),
            "## Actions of kinds\n",
            _table(
                ("id", "keys", "name", "action"),
                (
                    (f"`{each.id}`", written(each.defaults), each.title, with_key_names(each.help))
                    for each in actions
                ),
            ),
        ]
    )
