"""The registry of actions: their ids, titles, keys, screens and help texts.

The footer, the help, the palette and the key bindings are generated from the registry.
Users can override keys, so no text contains a literal key: code calls `key_of`, and
sentences contain the action's id, as in `{runs.open-id}`, which `with_key_names` replaces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from mogplex_tui.api.errors import with_full_stop
from mogplex_tui.api.route_access import Family
from mogplex_tui.operate import model, run_actions
from mogplex_tui.operate.key_names import keys_in_force as keys_in_force
from mogplex_tui.operate.key_names import set_key_overrides as set_key_overrides
from mogplex_tui.operate.key_names import shown_key as shown_key
from mogplex_tui.operate.kinds import runs
from mogplex_tui.operate.kinds.registry import TABS

if TYPE_CHECKING:
    from mogplex_tui.live.session import Session
    from mogplex_tui.operate.kind_rows import ListedRow
    from mogplex_tui.operate.model import AnyAction, AnyKind


NO_WRITE_SCOPE = "This token is read-only; use one with the write scope."


class KeyAction(NamedTuple):
    """An action with its keys and the screens where it works.

    `defaults` are the default keys, by Textual's names. `scopes` name the screens where the
    action works. `footer` shows the action in the key bar. `writes` marks an action that
    changes something: it is hidden in read-only contexts. `v1_only` marks a change that a
    browser session cannot make: it is also hidden if the token lacks the write scope.
    `priority` keys work even while a text field has the focus. An action id in braces in `help`
    is replaced by the key of that action.
    """

    id: str
    title: str
    defaults: tuple[str, ...]
    scopes: frozenset[str]
    help: str
    footer: bool = True
    writes: bool = False
    v1_only: bool = False
    priority: bool = False
    group: str = "here"
    # Whether the help begins with the title, so that the help screen need not show both.
    help_has_title: bool = False
    # The kind and the action that this entry stands for; None for an action of the console itself.
    kind: AnyKind | None = None
    record_action: AnyAction | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that are bound to the action; help texts show the first one."""
        return keys_in_force(self.id, self.defaults)

    @property
    def help_text(self) -> str:
        """The help sentence, in which action ids are replaced by their keys."""
        return with_key_names(self.help)

    def closed_reason(self, session: Session) -> str | None:
        """Return why the credential cannot use any route of the action.

        Returns None if at least one route may be usable, or if no kind declares the action.
        """
        if self.kind is None or self.record_action is None:
            return None
        from mogplex_tui.operate import kind_rows

        return kind_rows.closed_reason(self.kind, self.record_action, session)


# Scopes that stand for many screens: see `scope_tags`.
EVERYWHERE = frozenset({"everywhere"})
LISTS = frozenset({"runs", "lists"})
KIND_LISTS = frozenset({"lists"})
DETAILS = frozenset({"details"})
KIND_SCREENS = KIND_LISTS | DETAILS
# Record pages of kinds that have logs.
LOGS = frozenset({"logs"})
TAILS = frozenset({"run"}) | LOGS
# Lists of kinds whose records can fail, do work, and can be searched by their age.
FAILING = frozenset({"failing"})
WORKING = frozenset({"working"})
TIMED = frozenset({"timed"})


RUN = frozenset({"run"})
OBSERVABILITY = frozenset({"observability"})


def _scopes(*names: str) -> frozenset[str]:
    return frozenset(names)


_SCREEN_HELP = {
    "runs": "All runs and calls.",
    "observability": "Health, queue, usage and spend.",
}


def _navigation_actions() -> Iterable[KeyAction]:
    """Yield the actions that open the tabs."""
    for digit, title, name in TABS:
        help_text = _SCREEN_HELP.get(name)
        yield KeyAction(
            f"go.{name}",
            title.lower(),
            (digit,),
            EVERYWHERE,
            help_text or f"{title}.",
            help_has_title=help_text is None,
            footer=False,
            group="go to",
        )


def _key_action(kind: AnyKind, action: AnyAction, scopes: frozenset[str]) -> KeyAction:
    """Return the registry entry of an action that a kind declares."""
    return KeyAction(
        f"{kind.name}.{action.id}",
        action.label,
        (action.key,) if action.key else (),
        scopes,
        with_full_stop(action.help),
        help_has_title=action.help_has_title,
        footer=action.key != "" and (isinstance(action, model.Creation) or action.in_footer),
        writes=True,
        v1_only=action.families == (Family.V1,),
        kind=kind,
        record_action=action,
    )


ACTIONS: tuple[KeyAction, ...] = (
    KeyAction(
        "runs.open",
        "open",
        ("enter",),
        _scopes("runs"),
        "Open the run under the cursor.",
        help_has_title=True,
    ),
    KeyAction(
        "kind.open", "open", ("enter",), KIND_LISTS, "Open the record under the cursor.", help_has_title=True
    ),
    KeyAction(
        "kind.follow",
        "open",
        ("enter",),
        DETAILS,
        "Open the link under the cursor.",
        help_has_title=True,
    ),
    KeyAction(
        "contexts.switch",
        "switch",
        ("enter",),
        _scopes("contexts", "contexts.detail"),
        "Switch the console to the context.",
        help_has_title=True,
    ),
    KeyAction("contexts.details", "details", ("i",), _scopes("contexts"), "Show the context's record."),
    KeyAction(
        "teams.act",
        "act for",
        ("u",),
        _scopes("teams", "teams.detail"),
        "Act for this team, or for the personal account.",
        help_has_title=True,
    ),
    _key_action(runs.KIND, run_actions.CANCEL, _scopes("runs", "run")),
    _key_action(runs.KIND, run_actions.START, _scopes("runs")),
    KeyAction(
        "runs.rerun",
        "re-run",
        ("R",),
        _scopes("runs", "run"),
        "Re-run from a form with its prompt, repository and branches.",
        writes=True,
        v1_only=True,
        kind=runs.KIND,
        record_action=run_actions.START,
        help_has_title=True,
    ),
    KeyAction(
        "runs.start-in",
        "new run",
        ("n",),
        _scopes("projects", "projects.detail"),
        "Start a run in this project.",
        writes=True,
        v1_only=True,
        kind=runs.KIND,
        record_action=run_actions.START,
    ),
    KeyAction(
        "runs.requeue",
        "requeue",
        ("Q",),
        RUN | {"runs"},
        "Run its failed job again as a new job.",
        writes=True,
    ),
    KeyAction(
        "runs.repair", "repair", ("P",), RUN | {"runs"}, "Retry the start of its pending job.", writes=True
    ),
    KeyAction(
        "runs.open-id", "open by id", ("O",), _scopes("runs"), "Open a run by its ID or URL.", footer=False
    ),
    KeyAction("runs.first-error", "first error", ("e",), _scopes("runs"), "Open a failed run at its error."),
    KeyAction(
        "runs.mark",
        "mark",
        ("space",),
        _scopes("runs"),
        "Mark the run, to cancel several together.",
        help_has_title=True,
        writes=True,
    ),
    KeyAction(
        "list.mark-all",
        "mark all",
        ("asterisk",),
        LISTS,
        "Mark all rows that the filter shows.",
        footer=False,
        writes=True,
        help_has_title=True,
    ),
    KeyAction(
        "list.mark-alike",
        "mark alike",
        ("A",),
        KIND_LISTS,
        "Mark the rows that are like the one under the cursor.",
        writes=True,
    ),
    KeyAction(
        "list.mark-range",
        "mark range",
        ("V",),
        LISTS,
        "Mark from the last marked row to the cursor.",
        footer=False,
        writes=True,
    ),
    KeyAction(
        "list.invert-marks",
        "invert marks",
        ("I",),
        LISTS,
        "Mark the other rows that the filter shows.",
        footer=False,
        writes=True,
    ),
    KeyAction("tail.follow", "follow", ("f",), TAILS, "Follow the newest line.", help_has_title=True),
    KeyAction("list.filter", "filter", ("slash",), LISTS, "Filter the list.", help_has_title=True),
    KeyAction(
        "list.failed", "failed", ("f",), _scopes("runs") | FAILING, "Show only what failed, or all again."
    ),
    KeyAction(
        "list.live", "live", ("l",), _scopes("runs") | WORKING, "Show only what is at work, or all again."
    ),
    KeyAction(
        "list.range",
        "range",
        ("d",),
        _scopes("runs") | TIMED,
        "Show only the last day, week or hour, or all again.",
    ),
    KeyAction("list.sort", "sort", ("s",), LISTS, "Sort by a column.", help_has_title=True),
    KeyAction(
        "list.reverse", "reverse", ("S",), LISTS, "Reverse the sort order.", help_has_title=True, footer=False
    ),
    KeyAction("tail.search", "search", ("slash",), TAILS, "Search the lines.", help_has_title=True),
    KeyAction("tail.next", "next match", ("n",), TAILS, "Go to the next match.", footer=False),
    KeyAction("tail.previous", "previous match", ("N",), TAILS, "Go to the previous match.", footer=False),
    KeyAction("tail.matches", "matches", ("ampersand",), TAILS, "Show matching lines only.", footer=False),
    KeyAction("tail.context", "context", ("c",), TAILS, "Show more or fewer lines around the matches."),
    KeyAction("tail.folds", "folds", ("z",), RUN, "Unfold repeated events, or fold them.", footer=False),
    KeyAction(
        "run.facts",
        "facts",
        ("i",),
        TAILS,
        "Show the facts on a narrow screen, on a wide one those left out.",
    ),
    KeyAction("tail.keys", "log", ("l",), LOGS, "Focus the log or the links."),
    KeyAction(
        "run.links",
        "links",
        ("l",),
        _scopes("run"),
        "Focus the details or the events.",
    ),
    KeyAction("tail.wrap", "wrap", ("w",), TAILS, "Wrap or cut long lines.", help_has_title=True),
    KeyAction("tail.times", "times", ("t",), TAILS, "Show or hide the times."),
    KeyAction(
        "tail.event", "event", ("enter",), _scopes("run"), "Open or close the event, or open the link."
    ),
    KeyAction("event.next-error", "next error", ("e",), RUN, "Go to the next failed event."),
    KeyAction(
        "event.previous-error", "previous error", ("E",), RUN, "Go to the failed event before.", footer=False
    ),
    KeyAction("event.save", "save", ("s",), RUN, "Write the open event to a new file, as it is shown."),
    KeyAction("event.line-up", "line up", ("shift+up",), RUN, "Scroll the event up.", footer=False),
    KeyAction("event.line-down", "line down", ("shift+down",), RUN, "Scroll the event down.", footer=False),
    KeyAction(
        "view.open",
        "open",
        ("enter",),
        OBSERVABILITY,
        "Open the run, or the runs of a bar.",
        help_has_title=True,
    ),
    KeyAction("view.range", "range", ("d",), OBSERVABILITY, "Next time range: hour, today, 24 h or 7 d."),
    KeyAction("view.range-back", "range back", ("D",), OBSERVABILITY, "Previous time range.", footer=False),
    KeyAction(
        "view.measure", "measure", ("m",), OBSERVABILITY, "Compare by cost, tokens, calls or failures."
    ),
    KeyAction(
        "view.failures",
        "failures",
        ("f",),
        OBSERVABILITY,
        "Group failed runs by class and owner, or compare by cost again.",
    ),
    KeyAction(
        "view.left", "left", ("left", "h"), OBSERVABILITY, "Earlier, or the list before.", footer=False
    ),
    KeyAction("view.right", "right", ("right", "l"), OBSERVABILITY, "Later, or the next list.", footer=False),
    KeyAction("view.refresh", "refresh", ("r",), EVERYWHERE, "Refresh.", footer=False, help_has_title=True),
    KeyAction(
        "kind.mark",
        "mark",
        ("space",),
        KIND_LISTS,
        "Mark the row, for actions on several.",
        help_has_title=True,
        writes=True,
    ),
    KeyAction(
        "kind.json",
        "json",
        ("j",),
        DETAILS | {"run"},
        "Show the record's JSON; {kind.copy} copies it.",
    ),
    KeyAction(
        "list.hidden",
        "show hidden",
        ("H",),
        KIND_LISTS,
        "Show hidden records, or hide them again.",
        footer=False,
        help_has_title=True,
    ),
    KeyAction(
        "view.export",
        "export",
        ("ctrl+s",),
        LISTS | DETAILS | {"run"},
        "Export to a file: csv, json or markdown.",
        footer=False,
        help_has_title=True,
    ),
    KeyAction("kind.copy", "copy id", ("y",), KIND_SCREENS | {"runs", "run"}, "Copy the id."),
    KeyAction(
        "run.browse", "browser", ("o",), RUN | {"runs"}, "Open its pull request, repository or preview."
    ),
    KeyAction("kind.browse", "browser", ("o",), KIND_SCREENS, "Open its page in the browser."),
    KeyAction(
        "go.back",
        "back",
        ("escape",),
        _scopes("run", "runs", "lists", "details", "observability"),
        "Go back; clears filter and marks first.",
    ),
    *_navigation_actions(),
    KeyAction(
        "go.contexts",
        "contexts",
        ("C",),
        EVERYWHERE,
        "Contexts; {contexts.switch} switches to one.",
        footer=False,
        group="go to",
    ),
    KeyAction(
        "app.palette",
        "command",
        ("colon", "ctrl+p"),
        EVERYWHERE,
        "Run a command by name.",
        group="console",
    ),
    KeyAction(
        "app.findings",
        "health",
        ("exclamation_mark",),
        EVERYWHERE,
        "List what is unusual now, with the reason.",
        group="console",
    ),
    KeyAction(
        "changes.give-up",
        "give up",
        ("ctrl+g",),
        EVERYWHERE,
        "Give up queued changes; to give up one, press its key again on the row.",
        group="console",
        help_has_title=True,
    ),
    KeyAction("app.help", "help", ("question_mark",), EVERYWHERE, "Keys of this screen.", group="console"),
    KeyAction(
        "app.theme",
        "theme",
        ("T",),
        EVERYWHERE,
        "Switch between the dark and light theme.",
        footer=False,
        group="console",
    ),
    KeyAction(
        "app.suspend",
        "suspend",
        ("ctrl+z",),
        EVERYWHERE,
        "Return to the shell (fg resumes).",
        footer=False,
        group="console",
    ),
    KeyAction("app.quit", "quit", ("q",), EVERYWHERE, "Leave the console.", footer=False, group="console"),
)

BY_ID = {action.id: action for action in ACTIONS}

_ACTION_ID = re.compile(r"\{([a-z-]+\.[a-z-]+)\}")


def key_of(id: str, *, ascii_only: bool = False) -> str:
    """Return the first key of an action as sentences show it, "" if it has no key.

    Raises KeyError for an unknown action.
    """
    return shown_key(next(iter(BY_ID[id].keys), ""), ascii_only=ascii_only)


def with_key_names(sentence: str) -> str:
    """Replace action ids in braces, such as `{runs.open-id}`, with their keys."""
    return _ACTION_ID.sub(lambda match: key_of(match[1]), sentence)


def tabs() -> tuple[tuple[str, str, str], ...]:
    """Return the key, the title and the screen name of each tab.

    The tabs are those of `TABS`, with overridden keys in place of the default ones.
    """
    return tuple((key_of(f"go.{name}"), title, name) for _, title, name in TABS)


def permanent_keys() -> list[str]:
    """Return the keys that a narrow key bar drops last: findings, palette, back, help."""
    return [key_of(name) for name in ("app.findings", "app.palette", "go.back", "app.help")]


# Scope of a kind's screen -> the scopes for many screens that include it, and the kind's actions.
_KIND_ACTIONS: dict[str, tuple[frozenset[str], tuple[KeyAction, ...]]] = {}


def detail_scope(kind: str) -> str:
    """Return the scope name of a kind's record page, such as `jobs.detail`."""
    return f"{kind}.detail"


def scope_tags(scope: str) -> frozenset[str]:
    """Return the shared scopes that include a kind's list or record page.

    A shared scope, such as `LISTS`, stands for many screens. The result is empty until the kind
    is registered.
    """
    return _KIND_ACTIONS.get(scope, (frozenset(), ()))[0]


def register_kind(kind: AnyKind) -> None:
    """Add the actions of a kind to its list screen and its record page."""
    scopes = frozenset({kind.name, detail_scope(kind.name)})
    actions = tuple(_key_action(kind, each, scopes) for each in kind.all_actions)
    list_tags = KIND_LISTS
    list_tags |= FAILING if kind.failed_filter else frozenset()
    list_tags |= WORKING if kind.live_filter else frozenset()
    list_tags |= TIMED if kind.older is not None else frozenset()
    _KIND_ACTIONS[kind.name] = (list_tags, actions)
    _KIND_ACTIONS[detail_scope(kind.name)] = (DETAILS | LOGS if kind.logs else DETAILS, actions)
    BY_ID.update({action.id: action for action in actions})


def in_scope(scope: str) -> list[KeyAction]:
    """Return the actions of a screen, in the order of the registry.

    The actions that the kind declares come after the screen's first action.
    """
    tags, kind_actions = _KIND_ACTIONS.get(scope, (frozenset(), ()))
    actions = [action for action in ACTIONS if action.scopes & (EVERYWHERE | tags | {scope})]
    # A screen's own action takes the place of a shared one with the same key.
    own_keys = {key for action in actions if tags and scope in action.scopes for key in action.defaults}
    actions = [
        action for action in actions if scope in action.scopes or not own_keys.intersection(action.defaults)
    ]
    screen_actions = [action for action in actions if action.group == "here"]
    return [
        *screen_actions[:1],
        *kind_actions,
        *screen_actions[1:],
        *(action for action in actions if action.group != "here"),
    ]


def read_only_reason(session: Session, *, v1_only: bool = False) -> str | None:
    """Return why the session cannot make changes, None if it can.

    If `v1_only` is true, the change needs a token with the write scope.
    """
    if session.may_change(v1_only=v1_only):
        return None
    if session.read_only:
        return "This console is read-only."
    return NO_WRITE_SCOPE


async def fetch_read_only_reason(session: Session) -> str | None:
    """Return why the session cannot make changes, None if it can.

    If the answer depends on the token's scope and this is not known, the service is asked first.
    """
    if not session.read_only and session.token_changes_unversioned:
        await session.learn_scope()
    return read_only_reason(session)


def closed_reasons(scope: str, session: Session) -> dict[str, str]:
    """Return the reasons why the credential cannot use actions of a screen.

    The keys are ids of actions. Only actions whose routes are all closed to the credential have
    an entry.
    """
    actions = _KIND_ACTIONS.get(scope, (frozenset(), ()))[1]
    return {action.id: reason for action in actions if (reason := action.closed_reason(session)) is not None}


def disabled_reason(
    action: KeyAction, session: Session, rows: Sequence[ListedRow[object]] | None = None
) -> str | None:
    """Return why an action is not available now, None if it is available.

    `rows` are the rows that the action would change; the action is available if at least one of
    them allows it. If `rows` is None, only the credential is checked.
    """
    if action.writes and (reason := read_only_reason(session, v1_only=action.v1_only)) is not None:
        return reason
    kind_action = action.record_action
    if kind_action is None or action.kind is None:
        return None
    if rows is not None and isinstance(kind_action, model.Action):
        from mogplex_tui.operate import kind_rows

        if not rows:
            return f"There is no {action.kind.noun} under the cursor."
        reasons = [kind_rows.unavailable_reason(kind_action, row, session) for row in rows]
        if None not in reasons:
            return reasons[0]
    return action.closed_reason(session)


def footer(
    scope: str,
    session: Session,
    *,
    ascii_only: bool = False,
    shows: Callable[[KeyAction], bool] = lambda _: True,
) -> Iterable[tuple[str, str]]:
    """Yield the key and the title of each action in the key bar of a screen.

    Leaves out changes that the session does not allow, and actions for which `shows` returns
    false.
    """
    for action in in_scope(scope):
        is_allowed = not action.writes or session.may_change(v1_only=action.v1_only)
        if action.footer and is_allowed and shows(action):
            yield key_of(action.id, ascii_only=ascii_only), action.title
