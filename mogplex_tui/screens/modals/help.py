"""The help dialog: all keys that work on the screen below the dialog."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from textwrap import wrap

from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.widgets import Static

from mogplex_tui.operate import action_registry, cursor_movement
from mogplex_tui.operate.saved_filters import SavedFilter
from mogplex_tui.screens.modals.base import Dialog
from mogplex_tui.widgets.scroll_page import ScrollPage
from mogplex_tui.widgets.text import wrap as lines_of

_GROUPS = {"here": "This screen", "go to": "Go to", "console": "Console"}
# The parts of the header, in their order.
_HEADER = (
    (
        "session expired",
        "the session cookie is no longer valid; mogplex-tui login --session renews it",
    ),
    ("two accounts", "the token and the session belong to different accounts; see mogplex-tui doctor"),
    ("● connected · live", "state of the connection; live: realtime updates are on"),
    ("▲ 20 failed in 1 h", "what is unusual, the heaviest first, against the account's own earlier hours"),
    ("API 5/60", "API requests of the last minute, and the limit per minute"),
    (
        "today ~$",
        "known cost since 00:00 UTC, then the cost of the last hour; ~: partly estimated from list prices",
    ),
    ("◌ delete in 12 s", "a rate-limited change, and when it is retried"),
    ("◆ 2", "pending approvals; :approvals lists them"),
)
# Widths of the key column and of the text column at the largest size of the box, and the width that the frame and
# margins take in a narrow terminal.
_KEY_WIDTH, _TEXT_WIDTH = 11, 50
_FRAME_WIDTH = 2 + 4 + 1 + 2 + _KEY_WIDTH + 1


def _entry_lines(keys: str, text: str, text_width: int) -> list[str]:
    """Return the lines of one entry: keys in one column, their text in another.

    Keys that are too long for their column are put on a line of their own.
    """
    first, *rest = wrap(text, text_width)
    if len(keys) > _KEY_WIDTH:
        return [f"  {keys}", *_entry_lines("", text, text_width)]
    return [f"  {keys:<{_KEY_WIDTH}} {first}", *(f"  {'':<{_KEY_WIDTH}} {line}" for line in rest)]


def _entry_text(action: action_registry.KeyAction) -> str:
    """Return an action's title and help text, joined by a colon.

    The title is left out if the help text already begins with it.
    """
    return (
        action_registry.help_text(action)
        if action.help_has_title
        else f"{action.title}: {action_registry.help_text(action)}"
    )


class HelpModal(Dialog[None]):
    """Dialog that lists the keys of a screen.

    It is closed by esc, enter, and the keys that open the help or leave the console.
    """

    BINDINGS = [
        Binding("enter", "leave", "close", show=False),
        *(
            Binding(",".join(action_registry.BY_ID[id].defaults), "leave", "close", show=False, id=id)
            for id in ("app.help", "app.quit")
        ),
    ]
    AUTO_FOCUS = "#box"

    def __init__(
        self,
        scope: str,
        *,
        read_only: str | None,
        ascii_only: bool,
        never: frozenset[str] = frozenset(),
        closed: Mapping[str, str] | None = None,
        filters: Sequence[SavedFilter] = (),
    ) -> None:
        """Create the help dialog of the screen with the given scope.

        `read_only` is the reason why changes are forbidden, or None if they are allowed. `never` holds
        the ids of actions that never apply to the screen. `closed` maps the id of each action that this
        credential is not allowed to run to the reason. `filters` are the saved filters of the list.
        """
        super().__init__()
        self._scope, self._read_only, self._ascii = scope, read_only, ascii_only
        self._never, self._closed_reasons, self._filters = never, closed or {}, filters

    def compose(self) -> ComposeResult:
        """Lay out the list of keys in a scrollable box."""
        with ScrollPage(id="box") as box:
            box.border_title = "Keys"
            box.border_subtitle = "esc closes"
            yield Static(self._content(), classes="line")

    def _content(self) -> Content:
        text_width = max(20, min(_TEXT_WIDTH, self.app.size.width * 96 // 100 - _FRAME_WIDTH))
        return Content("\n".join(self.lines(text_width)))

    def on_resize(self) -> None:
        """Wrap the lines at the new width of the dialog."""
        self.query_one(".line", Static).update(self._content())

    def _shown(self, keys: Iterable[str]) -> str:
        return " ".join(action_registry.shown_key(key, ascii_only=self._ascii) for key in keys)

    def lines(self, text_width: int = _TEXT_WIDTH) -> list[str]:
        """Return the help as lines; texts are wrapped at `text_width` cells."""
        lines: list[str] = []
        for group, title in _GROUPS.items():
            entries = [action for action in action_registry.in_scope(self._scope) if action.group == group]
            entries = [action for action in entries if not (action.writes and self._read_only)]
            entries = [action for action in entries if action.id not in {*self._never, *self._closed_reasons}]
            entries = [action for action in entries if action.keys]
            lines.append(title)
            for action in entries:
                lines += _entry_lines(self._shown(action.keys), _entry_text(action), text_width)
            lines.append("")
        lines.append("Moving")
        place = cursor_movement.places(self._scope)[0]
        for move in cursor_movement.MOVES:
            lines += _entry_lines(
                self._shown(cursor_movement.keys_of(move, place)), move.words[place], text_width
            )
        lines += self._filter_lines(text_width)
        lines += ["", "Header"]
        for example, text in _HEADER:
            lines += _entry_lines(example, text, text_width)
        if self._read_only:
            lines += ["", f"Actions that change something are hidden. {self._read_only}"]
        else:
            for closed_reason in dict.fromkeys(self._closed_reasons.values()):
                titles = [
                    action_registry.BY_ID[id_].title
                    for id_, reason in self._closed_reasons.items()
                    if reason == closed_reason
                ]
                sentence, room = (
                    f"Not available: {', '.join(titles)}. {closed_reason}",
                    _KEY_WIDTH + text_width,
                )
                lines += ["", *lines_of(sentence, room, room)]
        return lines

    def _filter_lines(self, text_width: int) -> list[str]:
        """Return the saved filters of the list, and how to save and remove one."""
        if all(action.id != "list.filter" for action in action_registry.in_scope(self._scope)):
            return []
        palette, start = (action_registry.key_of(id) for id in ("app.palette", "list.filter"))
        lines = ["", "Saved filters"]
        for saved in self._filters:
            lines += _entry_lines(f"{palette}{saved.name}", saved.description, text_width)
        earlier, save = self._shown(("up",)), self._shown(("ctrl+s",))
        lines += _entry_lines(f"{start} {earlier}", "an earlier filter of this list", text_width)
        lines += _entry_lines(f"{start} {save}", "save the filter and the order under a name", text_width)
        return lines + _entry_lines(f"{palette}forget NAME", "remove a saved filter", text_width)
