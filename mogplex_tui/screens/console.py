"""The session and the services that the screens of the running console share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from textual.app import App
from textual.screen import Screen

from mogplex_tui.live.runs import Runs
from mogplex_tui.live.session import Session
from mogplex_tui.operate.health_monitor import HealthMonitor
from mogplex_tui.operate.model import AnyEntry
from mogplex_tui.operate.recent_places import RecentPlaces
from mogplex_tui.operate.saved_filters import FilterStore
from mogplex_tui.screens.context_switch import ConsoleStart, ContextOpener, ContextSwitch
from mogplex_tui.screens.dialog_queue import DialogQueue
from mogplex_tui.screens.exporter import Exporter
from mogplex_tui.screens.header_line import FINDINGS, Look
from mogplex_tui.screens.key_queue import KeyQueue
from mogplex_tui.screens.kind_collections import KindCollections
from mogplex_tui.screens.navigation import Navigation
from mogplex_tui.screens.place_opener import PlaceOpener
from mogplex_tui.screens.queued_changes import GIVE_UP, ChangeQueue
from mogplex_tui.screens.record_actions import RecordActions
from mogplex_tui.screens.run_actions import RunActions
from mogplex_tui.screens.task_runner import TaskRunner
from mogplex_tui.screens.waterfalls import Waterfalls

if TYPE_CHECKING:
    from mogplex_tui.live.call_history_reader import CallHistoryReader
    from mogplex_tui.live.run_row import RunRow
    from mogplex_tui.operate.health import Finding
    from mogplex_tui.operate.model import AnyKind
    from mogplex_tui.screens.console_screen import ConsoleScreen


R = TypeVar("R")


class Console:
    """The session and the services that all screens of the app share."""

    def __init__(
        self,
        app: App[int],
        session: Session,
        runs: Runs,
        look: Look,
        keys: KeyQueue,
        app_actions: Mapping[str, Callable[[], object]],
        *,
        team: str | None,
        embedded: bool,
        opener: ContextOpener | None,
        leave_for: Callable[[ConsoleStart], None],
    ) -> None:
        """Create the shared services.

        `app_actions` maps ids of the app's own actions to the functions that run them. `team` is the id
        of the active team, None for the personal scope. `embedded` is True if the console runs with an
        embedded control plane. `opener` finds other contexts. `leave_for` is called to end this console
        and start a new one for another context.
        """
        self._app = app
        self.session, self.runs, self.look, self.keys = session, runs, look, keys
        # An embedded control plane has no web pages.
        self.embedded = embedded
        self.tasks = TaskRunner(app)
        self.dialogs = DialogQueue(app)
        self.changes = ChangeQueue(app, session)
        self.filters = FilterStore(session.directory, session.file_errors)
        self.exporter = Exporter(app, session, look, self.tasks)
        self.collections = KindCollections(session, runs)
        self.health = HealthMonitor(session, self.collections.waiting_approvals)
        self.recent = RecentPlaces(session.directory, team, session.file_errors)
        self.waterfalls = Waterfalls(app, self)
        self.navigation = Navigation(app, session, runs, self.recent, self.collections, self.tasks)
        self.recent_places = PlaceOpener(
            app, session, runs, self.recent, self.collections, self.navigation, self.tasks
        )
        self.context_switch = ContextSwitch(
            app, session, self.tasks, context=look.context, opener=opener, leave=leave_for
        )
        self.run_actions = RunActions(
            app, session, runs, look, tasks=self.tasks, navigation=self.navigation, changes=self.changes
        )
        self.record_actions = RecordActions(
            app,
            session,
            look,
            collections=self.collections,
            tasks=self.tasks,
            dialogs=self.dialogs,
            changes=self.changes,
            copy=self.copy,
        )
        # Actions shared by all screens, by id. A screen may replace them.
        self.actions: Mapping[str, Callable[[], object]] = {**self._own_actions(), **app_actions}

    @cached_property
    def call_history(self) -> CallHistoryReader:
        """The reader that fills the history of calls on disk."""
        from mogplex_tui.live.call_history_reader import CallHistoryReader

        return CallHistoryReader(self.session.call_history, self.runs)

    def start_call_history(self) -> None:
        """Store the calls that are read from now on, and read older ones slowly."""
        self.call_history.start(fills=True)

    def _own_actions(self) -> Mapping[str, Callable[[], object]]:
        return {
            GIVE_UP: self.changes.give_up_all,
            FINDINGS: self.show_findings,
            "view.costs": self.navigation.open_costs,
            "runs.start": self.run_actions.start,
            "runs.open-id": self.run_actions.open_by_id,
            "contexts.switch": self._switch_to_selected,
            "contexts.details": self._show_context,
            "teams.act": self._act_for_selected,
        }

    @property
    def can_go_back(self) -> bool:
        """Whether the key that goes back gives up a waiting change or leaves the screen."""
        return self.changes.newest is not None or self.navigation.can_go_back

    def go_back(self, screen: ConsoleScreen) -> None:
        """Give up the waiting change that was refused last; without one, leave the screen."""
        if not self.changes.give_up_newest():
            self.navigation.back(screen)

    def open(self, kind: AnyKind, entry: AnyEntry) -> None:
        """Perform what the enter key does on a record in a list.

        It opens the record's page, switches to a context, or changes a setting of the console.
        """
        if kind.name == "contexts" and entry.row is not None:
            self.context_switch.switch(entry.key)
        elif kind.name != "settings" or not self._change_setting(kind, entry):
            self.navigation.open_record(kind, entry)

    def _change_setting(self, kind: AnyKind, entry: AnyEntry) -> bool:
        """Ask for the new value of the console setting that a record stands for.

        Returns False if the record is not a console setting or cannot be changed in the console.
        """
        from mogplex_tui.operate.kinds.settings import console_setting
        from mogplex_tui.screens.settings_editor import SettingsEditor

        name, settings = console_setting(entry.key), self.session.console_settings
        if name is None or settings is None:
            return False
        feed = self.collections.of(kind).feed
        editor = SettingsEditor(self._app, settings, self.tasks)
        return editor.ask(name, partial(self.session.scheduler.refresh, feed))

    def _selected(self, name: str) -> AnyEntry | None:
        """Return the record that the current screen selects or shows.

        `name` is the kind of the records that the current screen shows. None if no record is selected.
        """
        from mogplex_tui.operate.kinds.registry import kinds
        from mogplex_tui.screens.console_screen import ConsoleScreen

        screen = self._app.screen
        key = screen.record_key() if isinstance(screen, ConsoleScreen) else None
        return None if key is None else self.collections.of(kinds()[name]).set.rows.get(key)

    def _switch_to_selected(self) -> None:
        entry = self._selected("contexts")
        if entry is not None:
            self.context_switch.switch(entry.key)

    def _show_context(self) -> None:
        from mogplex_tui.operate.kinds import contexts

        entry = self._selected("contexts")
        if entry is not None:
            self.navigation.open_record(contexts.KIND, entry)

    def _act_for_selected(self) -> None:
        from mogplex_tui.operate.kinds import teams

        entry = self._selected("teams")
        if entry is not None and entry.row is not None:
            team = None if entry.row.is_personal else entry.key
            self.context_switch.act_for(team, teams.KIND.label(entry.row))

    def copy(self, text: str, name: str) -> None:
        """Copy a text to the clipboard and notify the user that `name` was copied."""
        self._app.copy_to_clipboard(text)
        self._app.notify(f"Copied {name}.", timeout=3, markup=False)

    def show_findings(self) -> None:
        """List the current problems; choosing one opens the list of the records behind it."""
        findings = self.health.findings()
        if not findings:
            self._app.notify("Nothing unusual in the last hour.", timeout=5, markup=False)
            return
        from mogplex_tui.screens.modals.findings import FindingsModal

        self._app.push_screen(FindingsModal(findings), self._open_finding)

    def _open_finding(self, finding: Finding | None) -> None:
        if finding is not None:
            self.tasks.run(self.navigation.go_filtered(finding.screen, finding.filter))

    def browse(self, kind: AnyKind, entry: AnyEntry | None) -> None:
        """Open a record's web page in the browser, or notify why that is not possible."""
        from mogplex_tui.operate.kind_rows import name_of
        from mogplex_tui.operate.record_page import address_of

        address = address_of(kind, entry)
        if not address:
            name = "Nothing" if entry is None else f"{kind.noun.capitalize()} {name_of(kind, entry)}"
            self._warn(f"{name} has no web page.")
            return
        self._open(address)

    def browse_run(self, row: RunRow) -> None:
        """Open a web page of a run in the browser; ask which one if there are several."""
        from mogplex_tui.operate.kinds.registry import load_kind
        from mogplex_tui.operate.record_page import address_of
        from mogplex_tui.operate.run_facts import name_of, web_pages
        from mogplex_tui.screens.modals.parameter_prompt import AskModal

        sandboxes = load_kind("sandboxes")
        sandbox = self.collections.of(sandboxes).set.rows.get(row.sandbox_id or "")
        pages = web_pages(row, address_of(sandboxes, sandbox))
        if not pages:
            self._warn(f"{name_of(row)} has no web page.")
        elif len(pages) == 1:
            self._open(pages[0][0])
        else:
            dialog = AskModal("Open in the browser", name_of(row), value=pages[0][0], choices=pages)
            self._app.push_screen(dialog, lambda address: self._open(address) if address else None)

    def _open(self, address: str) -> None:
        """Open an address in the browser, or copy it if there is no graphical one.

        A text browser is not used: it would take over the console's terminal.
        """
        from mogplex_tui.operate.browser_detection import has_browser

        if address.startswith("/"):
            if self.embedded:
                self._warn("The embedded control plane has no web pages.")
                return
            address = self.session.target.base_url + address
        if not address.startswith(("https://", "http://")):
            return
        if has_browser():
            self._app.open_url(address)
            self._app.notify(f"Opened {address}", timeout=3, markup=False)
        else:
            self._app.copy_to_clipboard(address)
            sentence = f"No graphical browser found. Copied {address}"
            self._app.notify(sentence, timeout=12, markup=False)

    def _warn(self, sentence: str) -> None:
        self._app.notify(sentence, severity="warning", markup=False)


class HasConsole(Protocol):
    """An app with a `parts` attribute: the `Console` that its screens share."""

    parts: Console


def console_of(screen: Screen[R]) -> Console:
    """Return the `Console` of the app that a screen belongs to."""
    return cast(HasConsole, screen.app).parts
