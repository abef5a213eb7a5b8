"""The actions of the console: their ids, titles, keys, screens and help.

No text contains a literal key, because users can override keys: see `operate.action_registry`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from mogplex_tui.api.errors import with_full_stop
from mogplex_tui.api.route_access import Family
from mogplex_tui.operate import model, run_actions
from mogplex_tui.operate.key_names import keys_in_force
from mogplex_tui.operate.kinds import runs
from mogplex_tui.operate.kinds.registry import TABS

if TYPE_CHECKING:
    from mogplex_tui.live.session import Session
    from mogplex_tui.operate.model import AnyAction, AnyKind


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
# Lists of kinds whose failures are grouped.
GROUPED = frozenset({"grouped"})
TIMED = frozenset({"timed"})


RUN = frozenset({"run"})
OBSERVABILITY = frozenset({"observability"})
# The screen of failure groups.
GROUPS = frozenset({"groups"})
# The explanation of a failure.
EXPLAIN = frozenset({"explain"})
WATERFALL = frozenset({"waterfall"})
COSTS = frozenset({"costs"})


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


def key_action_of(kind: AnyKind, action: AnyAction, scopes: frozenset[str]) -> KeyAction:
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
    key_action_of(runs.KIND, run_actions.CANCEL, _scopes("runs", "run")),
    key_action_of(runs.KIND, run_actions.START, _scopes("runs")),
    KeyAction(
        "runs.rerun",
        "re-run",
        ("R",),
        _scopes("runs", "run", "explain"),
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
        RUN | EXPLAIN | {"runs"},
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
        "runs.explain",
        "explain",
        ("E",),
        _scopes("runs", "run", "jobs", "jobs.detail"),
        "Explain a failure: cause, last output, where it was seen.",
        help_has_title=True,
    ),
    KeyAction("explain.open", "first error", ("enter",), EXPLAIN, "Open the run at its first error."),
    KeyAction("explain.copy", "copy", ("y",), EXPLAIN, "Copy the explanation as text.", help_has_title=True),
    KeyAction("explain.save", "save", ("s",), EXPLAIN, "Write the explanation to a new file."),
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
        "groups.open",
        "filter",
        ("enter",),
        GROUPS,
        "Filter the list by the group under the cursor.",
        help_has_title=True,
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
    KeyAction(
        "view.waterfall",
        "waterfall",
        ("g",),
        _scopes("runs", "run", "jobs", "jobs.detail", "automations.detail"),
        "Show where the time went.",
    ),
    KeyAction(
        "waterfall.open", "open", ("enter",), WATERFALL, "Open the event, call or step.", help_has_title=True
    ),
    KeyAction(
        "waterfall.zoom-in", "zoom in", ("plus",), WATERFALL, "Zoom in at the cursor.", help_has_title=True
    ),
    KeyAction("waterfall.zoom-out", "zoom out", ("minus",), WATERFALL, "Zoom out.", help_has_title=True),
    KeyAction(
        "waterfall.fit", "fit", ("0",), WATERFALL, "Fit the whole time into the width.", help_has_title=True
    ),
    KeyAction("waterfall.left", "earlier", ("left", "h"), WATERFALL, "Earlier times.", help_has_title=True),
    KeyAction("waterfall.right", "later", ("right", "l"), WATERFALL, "Later times.", help_has_title=True),
    KeyAction("event.next-error", "next error", ("e",), RUN, "Go to the next failed event."),
    KeyAction(
        "event.previous-error",
        "previous error",
        ("ctrl+e",),
        RUN,
        "Go to the failed event before.",
        footer=False,
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
    KeyAction("costs.open", "open", ("enter",), COSTS, "Open the group, or its runs.", help_has_title=True),
    KeyAction("costs.by", "by", ("b",), COSTS, "Choose by what the costs are summed."),
    KeyAction("costs.then-by", "then by", ("B",), COSTS, "Choose by what a group is divided."),
    KeyAction("costs.range", "range", ("d",), COSTS, "Next range: 1 h, today, 24 h, 7 d, 30 d or month."),
    KeyAction("costs.range-back", "range back", ("D",), COSTS, "Previous range.", footer=False),
    KeyAction("costs.dates", "dates", ("t",), COSTS, "Type a range, such as 2026-11-20..2026-11-25."),
    KeyAction("costs.left", "earlier", ("left", "h"), COSTS, "The bar of the plot before.", footer=False),
    KeyAction("costs.right", "later", ("right", "l"), COSTS, "The next bar of the plot.", footer=False),
    KeyAction(
        "view.costs",
        "cost",
        ("dollar_sign",),
        EVERYWHERE,
        "Show where the money went, by model, repo, agent and more.",
        footer=False,
        group="go to",
    ),
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
        "run.browse",
        "browser",
        ("o",),
        RUN | EXPLAIN | {"runs"},
        "Open its pull request, repository or preview.",
    ),
    KeyAction("kind.browse", "browser", ("o",), KIND_SCREENS, "Open its page in the browser."),
    # After the keys for one record, so that a narrow key bar drops these first.
    KeyAction(
        "list.groups",
        "groups",
        ("b",),
        _scopes("runs") | GROUPED,
        "Group failures by class, model and automation, with their trend.",
    ),
    KeyAction("list.columns", "columns", ("c",), LISTS, "Choose and order the columns."),
    KeyAction(
        "go.back",
        "back",
        ("escape",),
        _scopes(
            "run", "runs", "lists", "details", "observability", "groups", "explain", "waterfall", "costs"
        ),
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
        "Give up all queued changes; {go.back} gives up the last one.",
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
