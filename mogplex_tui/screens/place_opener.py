"""Opens the recent places again, and drops those that no longer exist."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from textual.app import App

from mogplex_tui.api.route_access import Family
from mogplex_tui.live.runs import Runs
from mogplex_tui.live.session import Session
from mogplex_tui.operate.recent_places import RecentPlace, RecentPlaces
from mogplex_tui.operate.saved_filters import SavedFilter
from mogplex_tui.screens.kind_collections import KindCollections
from mogplex_tui.screens.navigation import Navigation
from mogplex_tui.screens.task_runner import TaskRunner

if TYPE_CHECKING:
    from textual.screen import Screen

    from mogplex_tui.screens.console_screen import ConsoleScreen

_RUNS = "runs"


class PlaceOpener:
    """Opens the records and filtered lists that were opened before."""

    def __init__(
        self,
        app: App[int],
        session: Session,
        runs: Runs,
        recent: RecentPlaces,
        collections: KindCollections,
        navigation: Navigation,
        tasks: TaskRunner,
    ) -> None:
        self._app, self._session, self._runs, self._recent = app, session, runs, recent
        self._collections, self._navigation, self._tasks = collections, navigation, tasks

    def offered(self, screen: ConsoleScreen) -> list[RecentPlace]:
        """Return the recent places except the one that `screen` shows, the newest first."""
        from mogplex_tui.operate.kinds.registry import kinds

        return [
            place
            for place in self._recent.all()
            if (place.kind == _RUNS or place.kind in kinds()) and not screen.is_at(place)
        ]

    def open(self, place: RecentPlace) -> None:
        """Open a place; if it no longer exists, notify the user and drop it."""
        if not place.key:
            saved = SavedFilter(place.title, place.kind, place.filter, place.sort, place.descending)
            self._tasks.run(self._navigation.go_saved(saved))
        elif place.kind == _RUNS:
            self._tasks.run(self._open_run(place))
        else:
            self._tasks.run(self._open_record(place))

    async def _open_run(self, place: RecentPlace) -> None:
        from mogplex_tui.api.errors import MogplexError, NotFound
        from mogplex_tui.live.run_lookup import find_run, ids_of

        asked_on, rows = self._app.screen, self._runs.set.rows.values()
        row = next((row for row in rows if place.key in ids_of(row)), None)
        try:
            row = row or await find_run(self._runs, place.key)
        except MogplexError as error:
            # Without the routes of calls, the id of a call cannot be looked up.
            if isinstance(error, NotFound) and self._session.may_request(Family.OBSERVABILITY):
                self._drop(place)
            else:
                self._warn(str(error))
            return
        self._show(place, asked_on, partial(self._navigation.open_run, row))

    async def _open_record(self, place: RecentPlace) -> None:
        from mogplex_tui.api.errors import MogplexError
        from mogplex_tui.operate.kinds.registry import kinds

        asked_on, kind = self._app.screen, kinds()[place.kind]
        collection = self._collections.of(kind)
        try:
            entry = await self._collections.find(kind, place.key, is_fresh=True)
        except MogplexError as error:
            # While the service cannot be read, the last known state is shown, and that it is stale.
            entry = collection.set.rows.get(place.key)
            if entry is None:
                self._warn(str(error))
                return
        if entry is not None:
            self._show(place, asked_on, partial(self._navigation.open_record, kind, entry))
        elif collection.source is None:
            self._warn(f"{_capitalized(place.title)} is not visible to this credential.")
        else:
            self._drop(place)

    def _show(self, place: RecentPlace, asked_on: Screen[object], show: Callable[[], None]) -> None:
        sentence = f"{_capitalized(place.title)} was not opened, because another screen was opened meanwhile."
        self._navigation.show_or_notify(asked_on, show, sentence)

    def _drop(self, place: RecentPlace) -> None:
        self._recent.remove(place)
        self._tasks.run(self._recent.sync())
        self._warn(f"{_capitalized(place.title)} no longer exists. It is no longer a recent place.")

    def _warn(self, sentence: str) -> None:
        self._app.notify(sentence, severity="warning", timeout=12, markup=False)


def _capitalized(title: str) -> str:
    return title[:1].upper() + title[1:]
