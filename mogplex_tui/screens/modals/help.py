"""Every key that works on the screen below, from the registry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from textwrap import wrap

from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.widgets import Static

from mogplex_tui.operate import action_registry, cursor_keys
from mogplex_tui.screens.modals.base import Dialog
from mogplex_tui.widgets.scroll_page import ScrollPage
from mogplex_tui.widgets.text import wrap as lines_of

_GROUPS = {"here": "Here", "go to": "Go to", "console": "Console"}
# What the header tells, in the order in which it does.
_HEADER = (
    (
        "session expired",
        "the service refuses the session cookie: mogplex-tui login --session stores a new one",
    ),
    ("two accounts", "the token and the session belong to different accounts: mogplex-tui doctor names them"),
    ("● nominal", "whether the service answers; live: changes are heard as they happen"),
    ("budget 5/60", "requests of the last minute, of as many as the token has; next: when one is free again"),
    (
        "today ~$",
        "the known cost since 00:00 UTC, then that of the last hour; ~: in part computed from list prices",
    ),
    ("◌ delete in 12 s", "a change that the rate limit refused, and when it is sent again"),
    ("◆ 2", "questions that wait for a person: :approvals"),
)
# The columns of the keys, and of what is said of them before it goes on in the next line, in which the box is as wide as
# it can be; in a narrow terminal the frame of the box and the rest of a line take so much.
_KEYS, _SAID = 11, 50
_BESIDE = 2 + 4 + 1 + 2 + _KEYS + 1


def _told(keys: str, what: str, said: int) -> list[str]:
    """Return a line of the help, or several; keys that need more than their column have a line of their own."""
    first, *rest = wrap(what, said)
    if len(keys) > _KEYS:
        return [f"  {keys}", *_told("", what, said)]
    return [f"  {keys:<{_KEYS}} {first}", *(f"  {'':<{_KEYS}} {line}" for line in rest)]


def _called(action: action_registry.KeyAction) -> str:
    """Return the title of an action in the key bar with its help, which may have the title already."""
    return action.help_text if action.help_has_title else f"{action.title}: {action.help_text}"


class HelpModal(Dialog[None]):
    """A list of keys; those that show the help and that leave the console close it, as enter does."""

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
        with ScrollPage(id="box") as box:
            box.border_title = "Keys"
            box.border_subtitle = "esc closes"
            yield Static(self._drawn(), classes="line")

    def _drawn(self) -> Content:
        said = max(20, min(_SAID, self.app.size.width * 96 // 100 - _BESIDE))
        return Content("\n".join(self.lines(said)))

    def on_resize(self) -> None:
        """Break the lines where the box is as wide as it is now."""
        self.query_one(".line", Static).update(self._drawn())

    def _shown(self, keys: Iterable[str]) -> str:
        return " ".join(action_registry.shown_key(key, ascii_only=self._ascii) for key in keys)

    def lines(self, said: int = _SAID) -> list[str]:
        """Return the help as lines of text; `said` is how many cells there are for what is said of a key."""
        lines: list[str] = []
        for group, title in _GROUPS.items():
            entries = [action for action in action_registry.in_scope(self._scope) if action.group == group]
            entries = [action for action in entries if not (action.writes and self._read_only)]
            entries = [action for action in entries if action.id not in {*self._never, *self._lacking}]
            entries = [action for action in entries if action.keys]
            lines.append(title)
            for action in entries:
                lines += _told(self._shown(action.keys), _called(action), said)
            lines.append("")
        lines.append("Moving")
        place = cursor_keys.places(self._scope)[0]
        for move in cursor_keys.MOVES:
            lines += _told(self._shown(cursor_keys.keys_of(move, place)), move.words[place], said)
        lines += ["", "The first line"]
        for sign, what in _HEADER:
            lines += _told(sign, what, said)
        if self._read_only:
            lines += ["", f"Nothing here changes anything. {self._read_only}"]
        else:
            for why in dict.fromkeys(self._lacking.values()):
                lacking = [
                    action_registry.BY_ID[each].title for each, its in self._lacking.items() if its == why
                ]
                sentence, room = f"Not here: {', '.join(lacking)}. {why}", _KEYS + said
                lines += ["", *lines_of(sentence, room, room)]
        return lines
