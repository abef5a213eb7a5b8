"""Every key that works on the screen below, from the registry."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from mogplex_tui.operate import actions
from mogplex_tui.screens.modals.base import Dialog
from mogplex_tui.widgets.text import wrap as lines_of

_GROUPS = {"here": "Here", "go to": "Go to", "console": "Console"}
_IN_ROWS = (
    ("↑ ↓ j k", "one row"),
    ("pgup pgdn", "one page"),
    ("g home", "the first row"),
    ("G end", "the last row"),
)
_IN_A_RECORD = (
    ("↑ ↓ k", "the next link, or one line towards it"),
    ("pgup pgdn", "one page; space too"),
    ("g home", "the top"),
    ("G end", "the end"),
)
# What the header tells, in the order in which it does.
_HEADER = (
    ("● nominal", "whether the service answers; live: changes are heard as they happen"),
    ("budget 5/60", "requests of the last minute, of as many as the token has; next: when one is free again"),
    (
        "today ~$",
        "the known cost since 00:00 UTC, then that of the last hour; ~: in part computed from list prices",
    ),
    ("◆ 2", "questions that wait for a person: :approvals"),
)
# The columns of the keys, and of what is said of them before it goes on in the next line.
_KEYS, _SAID = 11, 50


def _told(keys: str, what: str) -> list[str]:
    """Return a line of the help, or several."""
    first, *rest = wrap(what, _SAID)
    return [f"  {keys:<{_KEYS}} {first}", *(f"  {'':<{_KEYS}} {line}" for line in rest)]


def _called(action: actions.Action) -> str:
    """Return the word of the key bar and what it does; a sentence that begins with the word says both."""
    if action.help.lower().startswith(action.title.lower()):
        return action.help
    return f"{action.title}: {action.help}"


class HelpModal(Dialog[None]):
    """A list of keys; any of its own keys closes it."""

    BINDINGS = [Binding("question_mark,q,enter", "leave", "close", show=False)]
    AUTO_FOCUS = "#box"

    def __init__(
        self,
        scope: str,
        *,
        read_only: str | None,
        ascii_only: bool,
        never: frozenset[str] = frozenset(),
        closed: Mapping[str, str] | None = None,
    ) -> None:
        """`read_only` says why nothing may be changed, if that is so.

        `never` are the ids of actions that have no use on the screen below, whatever it shows; `closed` says of others
        by their ids why the service does not let this credential do them.
        """
        super().__init__()
        self._scope, self._read_only, self._ascii = scope, read_only, ascii_only
        self._never, self._lacking = never, closed or {}

    def compose(self) -> ComposeResult:
        """Lay out the keys by group."""
        with VerticalScroll(id="box") as box:
            box.border_title = "Keys"
            box.border_subtitle = "esc closes"
            yield Static(Content("\n".join(self.lines())), classes="line")

    def lines(self) -> list[str]:
        """Return the help as lines of text."""
        lines: list[str] = []
        for group, title in _GROUPS.items():
            entries = [action for action in actions.in_scope(self._scope) if action.group == group]
            entries = [action for action in entries if not (action.writes and self._read_only)]
            entries = [action for action in entries if action.id not in {*self._never, *self._lacking}]
            lines.append(title)
            for action in entries:
                keys = " ".join(actions.shown_key(key, ascii_only=self._ascii) for key in action.keys)
                lines += _told(keys, _called(action))
            lines.append("")
        lines.append("Moving")
        for keys, what in _IN_A_RECORD if self._scope in actions.details() else _IN_ROWS:
            lines += _told(keys.replace("↑ ↓", "up down") if self._ascii else keys, what)
        lines += ["", "The first line"]
        for sign, what in _HEADER:
            lines += _told(sign, what)
        if self._read_only:
            lines += ["", f"Nothing here changes anything. {self._read_only}"]
        else:
            for why in dict.fromkeys(self._lacking.values()):
                lacking = [actions.BY_ID[each].title for each, its in self._lacking.items() if its == why]
                said, room = f"Not here: {', '.join(lacking)}. {why}", _KEYS + _SAID
                lines += ["", *lines_of(said, room, room)]
        return lines
