"""Navigation between screens: tabs, lists, records, links, and back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from textual.app import App

from mogplex_tui.live.run_lookup import ids_of
from mogplex_tui.live.run_row import RunRow
from mogplex_tui.live.runs import Runs
from mogplex_tui.live.session import Session
from mogplex_tui.operate import kind_rows
from mogplex_tui.operate.model import AnyEntry
from mogplex_tui.operate.recent_places import RecentPlace, RecentPlaces
from mogplex_tui.operate.run_facts import about, name_of
from mogplex_tui.screens.kind_collections import KindCollections
from mogplex_tui.screens.task_runner import TaskRunner

if TYPE_CHECKING:
    from datetime import datetime

    from textual.screen import Screen

    from mogplex_tui.operate.model import AnyKind
    from mogplex_tui.operate.record_page import LinkTarget
    from mogplex_tui.operate.saved_filters import SavedFilter
    from mogplex_tui.screens.console_screen import ConsoleScreen
    from mogplex_tui.screens.list_filter import ListFilter
    from mogplex_tui.screens.list_screen import ListScreen

# Screens made by the app itself; every other name is the list of a kind.
BUILT_IN = ("runs", "observability")
# Screens that "back" can return to.
_HISTORY = 9


class Navigation:
    """Switches between the app's lists and opens the screens of records over them.

    Each list is a mode of the Textual app, with its own stack of screens.
    """

    def __init__(
        self,
        app: App[int],
        session: Session,
        runs: Runs,
        recent: RecentPlaces,
        collections: KindCollections,
        tasks: TaskRunner,
    ) -> None:
        self._app, self._session, self._runs, self._recent = app, session, runs, recent
        self._collections, self._tasks = collections, tasks
        self._kind_modes: set[str] = set()
        self._previous: list[str] = []
        # Links whose record is being read, each with the screen that shows the link.
        self._following: set[tuple[Screen[object], LinkTarget]] = set()

    # Places ----------------------------------------------------------------------------------------------------

    async def go(self, name: str) -> None:
        """Show the list or screen called `name`.

        If it is already the current list, the screens opened over it are closed.
        """
        app = self._app
        if app.current_mode == name:
            while len(app.screen_stack) > 1:
                await app.pop_screen()
            return
        if name not in BUILT_IN and name not in self._kind_modes:
            app.add_mode(name, partial(self.kind_list, name))
            self._kind_modes.add(name)
        other_places = [place for place in self._previous[1 - _HISTORY :] if place != name]
        self._previous = [*other_places, app.current_mode]
        await app.switch_mode(name)

    async def go_filtered(self, name: str, text: str) -> None:
        """Show the list called `name` and filter it as if the user had typed the filter."""
        from mogplex_tui.screens.list_screen import ListScreen

        await self.go(name)
        if isinstance(self._app.screen, ListScreen):
            await self._app.screen.type_filter(text)

    async def go_saved(self, saved: SavedFilter) -> None:
        """Show the list that a saved filter belongs to, filtered and sorted accordingly."""
        from mogplex_tui.screens.list_screen import ListScreen

        await self.go(saved.kind)
        if isinstance(self._app.screen, ListScreen):
            await self._app.screen.show_saved(saved)

    def run_list(
        self,
        link_filter: str = "",
        span: tuple[datetime, datetime | None] | None = None,
        sort: str | None = None,
    ) -> ListScreen:
        """Return a new screen that lists the runs that match the filter of a link.

        `span` is the time range in which older runs are searched, `sort` the column to sort by.
        """
        from mogplex_tui.screens.list_screen import ListScreen
        from mogplex_tui.screens.run_list_model import RunList

        return ListScreen(RunList(self._session, self._runs, span), link_filter, sort)

    def open_runs(self, text: str, span: tuple[datetime, datetime | None], sort: str | None) -> None:
        """Open a list of the runs that match a filter, over the current screen."""
        self._app.push_screen(self.run_list(text, span, sort))

    def kind_list(
        self, name: str, link_filter: str = "", span: tuple[datetime, datetime | None] | None = None
    ) -> ListScreen:
        """Return a new screen that lists the records that match the filter of a link.

        `name` is the name of the records' kind. `span` is the range of creation times that the link
        selects.
        """
        from mogplex_tui.operate.kinds.registry import kinds
        from mogplex_tui.screens.kind_list_model import KindList
        from mogplex_tui.screens.list_screen import ListScreen

        model = KindList(self._session, self._collections, kinds()[name], span)
        return ListScreen(model, link_filter)

    @property
    def can_go_back(self) -> bool:
        """Return whether there is a previous screen to go back to.

        A dialog over the current screen does not count.
        """
        steps = [screen for screen in self._app.screen_stack if not screen.is_modal]
        return len(steps) > 1 or bool(self._previous)

    def back(self, screen: ConsoleScreen) -> None:
        """Close the current screen if it lies over another, or show the previous list."""
        if len(self._app.screen_stack) > 1:
            screen.leave()
            self._app.pop_screen()
        elif self._previous:
            self._tasks.run(self._return_to(self._previous.pop()))

    async def _return_to(self, place: str) -> None:
        await self._app.switch_mode(place)

    # Records ---------------------------------------------------------------------------------------------------

    def open_run(self, row: RunRow, *, at_error: bool = False, at_event: str | None = None) -> None:
        """Open the screen of a run and add the run to the history of opened runs.

        If `at_error` is True, the first failed event is opened as soon as it has been read; if
        `at_event` is the id of an event, that event is.
        """
        from mogplex_tui.screens.run_screen import RunScreen

        if row.run_id is not None:
            from mogplex_tui.live.known_runs import KnownRun

            self._session.history.remember(KnownRun(row.run_id, row.call_id, row.repo, row.prompt))
        self._remember_run(row)
        self._app.push_screen(RunScreen(row, at_error=at_error, at_event=at_event))

    def open_costs(self, text: str = "") -> None:
        """Show where the money went, over the current screen.

        `text` names dimensions and a range, as in `model repo 7d`; a text that does not is reported.
        """
        from mogplex_tui.operate.cost_report import parse_question
        from mogplex_tui.screens.console_screen import ConsoleScreen
        from mogplex_tui.screens.cost_explorer import CostScreen

        below = self._app.screen
        try:
            question = parse_question(text)
        except ValueError as error:
            self._app.notify(str(error), severity="warning", markup=False)
            return
        if isinstance(below, CostScreen):
            below.ask(question)
        else:
            tab = below.tab if isinstance(below, ConsoleScreen) else ""
            self._app.push_screen(CostScreen(question, tab))

    def explain(self, row: RunRow) -> None:
        """Open the explanation of a failed run or job."""
        from mogplex_tui.screens.explain_screen import ExplainScreen

        self._app.push_screen(ExplainScreen(row))

    def open_record(self, kind: AnyKind, entry: AnyEntry) -> None:
        """Open the screen of a record."""
        from mogplex_tui.screens.detail_screen import DetailScreen

        title = f"{kind.noun} {kind_rows.name_of(kind, entry)}"
        self._remember(RecentPlace(kind.name, title, key=entry.key))
        self._app.push_screen(DetailScreen(kind, entry))

    def show_or_notify(self, asked_on: Screen[object], show: Callable[[], None], sentence: str) -> None:
        """Call `show` if `asked_on` is still the current screen, or notify the user.

        Used for results that arrive late. `sentence` is the text of the notification.
        """
        if self._app.screen is asked_on:
            show()
        else:
            self._app.notify(sentence, timeout=12, markup=False)

    # Recent places ---------------------------------------------------------------------------------------------

    def remember_list(self, kind: str, shown: ListFilter) -> None:
        """Add a list to the recent places if it has a filter."""
        if shown.text:
            self._remember(
                RecentPlace(
                    kind,
                    f"{kind} / {shown.text}",
                    filter=shown.text,
                    sort=shown.sort,
                    descending=shown.descending,
                )
            )

    def _remember_run(self, row: RunRow) -> None:
        ids = ids_of(row)
        # A run has several ids, which become known one after the other.
        known = next((each for each in self._recent.all() if each.kind == "runs" and each.key in ids), None)
        key = known.key if known else row.run_id or row.key
        title = f"run {name_of(row)}" if row.repo else name_of(row)
        self._remember(RecentPlace("runs", title, key=key, about=about(row) or ""))

    def _remember(self, place: RecentPlace) -> None:
        if self._recent.add(place):
            self._tasks.run(self._recent.sync())

    # Links -----------------------------------------------------------------------------------------------------

    def follow(self, link: LinkTarget) -> None:
        """Open the target of a link: a record, or a list with the filter of the link."""
        if link.kind == "runs":
            self._follow_to_runs(link)
        elif link.key is None:
            self._app.push_screen(self.kind_list(link.kind, link.filter, link.span))
        elif (self._app.screen, link) not in self._following:
            self._following.add((self._app.screen, link))
            self._tasks.run(self._follow_to_record(link, link.key, self._app.screen))

    async def _follow_to_record(self, link: LinkTarget, key: str, asked_on: Screen[object]) -> None:
        from mogplex_tui.api.errors import MogplexError
        from mogplex_tui.operate.kinds.registry import kinds

        kind, entry = kinds()[link.kind], None
        why_not = f"{kind.noun.capitalize()} {link.text} is not visible to this credential."
        try:
            entry = await self._collections.find(kind, key)
        except MogplexError as error:
            why_not = str(error)
        finally:
            self._following.discard((asked_on, link))
        if entry is None:
            self._app.notify(why_not, severity="warning", markup=False)
        else:
            warning = f"{kind.noun.capitalize()} {link.text} was not opened, because another screen was opened meanwhile."
            self.show_or_notify(asked_on, partial(self.open_record, kind, entry), warning)

    def _follow_to_runs(self, link: LinkTarget) -> None:
        row = next(
            (
                row
                for row in self._runs.set.rows.values()
                if link.key is not None and link.key in (row.key, row.run_id, row.call_id, row.job_id)
            ),
            None,
        )
        if row is not None:
            self.open_run(row)
            return
        self._app.push_screen(self.run_list(link.filter or f"id:{link.key}"))
