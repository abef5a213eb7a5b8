"""Every key that works on the screen below, from the registry."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from mogplex_tui.operate import actions
from mogplex_tui.screens.modals.base import Dialog

_GROUPS = {"here": "Here", "go to": "Go to", "console": "Console"}
_IN_ROWS = (
    ("↑ ↓ j k", "one row"),
    ("pgup pgdn", "one page"),
    ("g home", "the first row"),
    ("G end", "the last row"),
    ("esc", "takes away the filter, then the marks, then goes back"),
)
_IN_A_RECORD = (
    ("↑ ↓ k", "the next link, or one line towards it"),
    ("pgup pgdn", "one page; space too"),
    ("g home", "the top"),
    ("G end", "the end"),
)


class HelpModal(Dialog[None]):
    """A list of keys; any of its own keys closes it."""

    BINDINGS = [Binding("question_mark,q,enter", "leave", "close", show=False)]
    AUTO_FOCUS = "#box"

    def __init__(
        self, scope: str, *, read_only: str | None, ascii_only: bool, never: frozenset[str] = frozenset()
    ) -> None:
        """`read_only` says why nothing may be changed, if that is so.

        `never` are the ids of actions that have no use on the screen below, whatever it shows.
        """
        super().__init__()
        self._scope, self._read_only, self._ascii = scope, read_only, ascii_only
        self._never = never

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
            entries = [action for action in entries if action.id not in self._never]
            lines.append(title)
            for action in entries:
                keys = " ".join(actions.shown_key(key, ascii_only=self._ascii) for key in action.keys)
                lines.append(f"  {keys:<10} {action.help}")
            lines.append("")
        lines.append("Moving")
        for keys, what in _IN_A_RECORD if self._scope in actions.details() else _IN_ROWS:
            lines.append(f"  {keys.replace('↑ ↓', 'up down') if self._ascii else keys:<10} {what}")
        if self._read_only:
            lines += ["", f"Nothing here changes anything. {self._read_only}"]
        return lines
