"""The list model of the runs and calls that the credentials can see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from mogplex_tui.api.route_access import Family
from mogplex_tui.live.freshness import SourceState
from mogplex_tui.live.run_row import ENDED_STATES, LIVE_STATES, RunRow
from mogplex_tui.live.runs import Runs
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.live.session import Session
from mogplex_tui.operate import messages, run_actions
from mogplex_tui.operate.action_registry import BY_ID, KeyAction, disabled_reason, key_of
from mogplex_tui.operate.failure_report import missing_reason
from mogplex_tui.operate.kinds import runs
from mogplex_tui.operate.run_facts import copyable_id, may_have_web_pages
from mogplex_tui.widgets.segment_line import Segment
from mogplex_tui.widgets.styles import Tone

if TYPE_CHECKING:
    from mogplex_tui.live.older_run_pages import OlderRunPages
    from mogplex_tui.operate.older_records import OlderRecords
    from mogplex_tui.screens.console import Console
    from mogplex_tui.screens.list_model import Selection

START, CANCEL = BY_ID["runs.start"], BY_ID["runs.cancel"]


class RunList:
    """The list model of the runs and calls."""

    kind = runs.KIND
    scope = "runs"
    tab = "runs"
    filter_example = "repo:web !docs state:failed cost:>1"
    flashed: tuple[str, ...] = ("state", "cost")

    def __init__(
        self, session: Session, runs: Runs, span: tuple[datetime, datetime | None] | None = None
    ) -> None:
        """Create the model; `span` is the time range of the link that opened the list."""
        self._session, self._runs, self.link_span = session, runs, span
        self.rows = runs.set
        self.feed = runs.feed
        self.older_pages: OlderRunPages | None = runs.older
        self._live: set[str] = set()
        self._failures: dict[str, datetime] = {}
        self.update_counts(self.rows.rows)

    def feeds(self) -> Sequence[Feed]:
        """Return the feed that reads the runs and the feed that reads their details.

        The details are titles and causes of runs.
        """
        return (self.feed, self._runs.details.feed)

    def sources(self) -> Sequence[SourceState]:
        """Return the state of each source that supplies only some of the rows or columns.

        Each of them may fail or become stale independently of the list.
        """
        return tuple(self.rows.sources.values())

    def subscribe(self, _changed: Callable[[], None]) -> list[Callable[[], None]]:
        """Return no subscriptions, because the list depends only on its own rows."""
        return []

    def update_joins(self) -> None:
        """Do nothing, because the rows have no fields from other lists."""

    def update_counts(self, keys: Iterable[str]) -> None:
        """Update the counts of running and failed runs after the rows with `keys` changed."""
        for key in keys:
            row = self.rows.rows.get(key)
            self._live.discard(key)
            self._failures.pop(key, None)
            if row is not None and row.state in LIVE_STATES:
                self._live.add(key)
            elif row is not None and row.state == "failed" and row.began is not None:
                self._failures[key] = row.began

    def empty_columns(self) -> frozenset[str]:
        """Return an empty set, because every column may have a value."""
        return frozenset()

    # Texts -----------------------------------------------------------------------------------------------------

    def counts(self) -> list[Segment]:
        """Return the title segments with the numbers of running and of failed runs."""
        live = len(self._live)
        return [
            Segment(f"{live} live", Tone.LIVE if live else Tone.DIM, priority=2),
            self._failed_today(),
        ]

    def _failed_today(self) -> Segment:
        """Return the title segment with the number of runs failed since 00:00 UTC.

        The service's day begins at 00:00 UTC. While not all runs of the day are loaded, the number is
        marked as a minimum, and 0 is not shown.
        """
        midnight = (
            self._session.clock.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        )
        failed = sum(began >= midnight for began in self._failures.values())
        complete = self.rows.whole_since is not None and self.rows.whole_since <= midnight
        if not complete:
            return Segment(f"{failed}+ failed today" if failed else "", Tone.ERROR, priority=3)
        return Segment(f"{failed} failed today", Tone.ERROR if failed else Tone.DIM, priority=3)

    def total_text(self, total: int) -> str:
        """Return the number of runs."""
        return f"{total:,}"

    def empty_text(self) -> str:
        """Return a sentence that says what an empty list means and what to do next."""
        automations = ":automations shows what could start them."
        if disabled_reason(START, self._session) is not None:
            return f"No runs yet. {automations}"
        return f"No runs yet. {key_of(START.id)} starts one; {automations}"

    def closed_lines(self) -> list[str]:
        """Return an empty list, because every credential can see some runs."""
        return []

    def notice(self) -> str:
        """Return a text that says which runs cannot be listed and how to open them."""
        if not self.rows.notices:
            return ""
        # A run can be opened by its id over v1.
        by_id = (
            f" {key_of('runs.open-id')} opens any run by its id."
            if self._session.may_request(Family.V1)
            else ""
        )
        return f"{messages.notices_text(self.rows.notices)}{by_id}"

    def older_records(self) -> OlderRecords[RunRow]:
        """Return the calls that are not loaded but can be searched."""
        from mogplex_tui.operate.older_records import OlderRecords, RunRows
        from mogplex_tui.operate.older_runs import OLDER_RUNS

        return OlderRecords(
            self._session, "runs", OLDER_RUNS, self.rows, RunRows(self._runs), self.feed.metered
        )

    # Actions ---------------------------------------------------------------------------------------------------

    def near_end(self) -> None:
        """Load the next page of runs."""
        self._runs.load_more()

    def unused_actions(self) -> frozenset[str]:
        """Return the ids of the actions that start or re-run a run if they are forbidden.

        The set is empty if the credentials allow to start runs.
        """
        starts = frozenset({START.id, "runs.rerun"})
        return frozenset() if disabled_reason(START, self._session) is None else starts

    def why_no_mark(self, row: RunRow) -> str | None:
        """Return why a run cannot be marked, or None if it can be marked.

        Only runs that can be cancelled can be marked; a run that has ended or is unreadable cannot.
        """
        return run_actions.CANCEL.unavailable_reason(row)

    def why_not(self, action: KeyAction, selection: Selection) -> str | None:
        """Return why an action cannot be used, or None if it can be used.

        Cancelling marked runs is possible if at least one of them can be cancelled.
        """
        if action.id in ("runs.first-error", "runs.explain"):
            return missing_reason(selection.cursor_row())
        reason = disabled_reason(action, self._session, selection.chosen_rows())
        job_action = run_actions.JOB_ACTIONS.get(action.id)
        if reason is not None or job_action is None:
            return reason
        return run_actions.job_action_closed_reason(job_action, selection.cursor_row(), self._session)

    def shows(self, action: KeyAction, selection: Selection) -> bool:
        """Return whether the key bar and the palette offer an action.

        Re-running is offered only for a run that has ended, although other runs can be run again, too. The
        actions on the job of a run are offered in the states in which the service usually accepts them.
        """
        row: RunRow | None = selection.cursor_row()
        job_action = run_actions.JOB_ACTIONS.get(action.id)
        if job_action is not None:
            return run_actions.offers_job_action(job_action, row)
        if action.id == "run.browse":
            return row is not None and may_have_web_pages(row)
        return action.id != "runs.rerun" or (row is not None and row.state in ENDED_STATES)

    def title_of(self, action: KeyAction, _: Selection) -> str:
        """Return the title of an action in the key bar."""
        return action.title

    def open(self, console: Console, row: RunRow) -> None:
        """Open the screen of a run."""
        console.navigation.open_run(row)

    def actions(self, console: Console, selection: Selection) -> Mapping[str, Callable[[], object]]:
        """Return the functions that run this list's actions, by action id."""

        def copy() -> None:
            row = selection.cursor_row()
            if row is not None:
                console.copy(*copyable_id(row))

        def open_at_error() -> None:
            row = selection.cursor_row()
            if row is not None:
                console.navigation.open_run(row, at_error=True)

        def waterfall() -> None:
            row = selection.cursor_row()
            if row is not None:
                console.waterfalls.of_run(row)

        def explain() -> None:
            row = selection.cursor_row()
            if row is not None:
                console.navigation.explain(row)

        def browse() -> None:
            row = selection.cursor_row()
            if row is not None:
                console.browse_run(row)

        def ask_on_job(action: run_actions.JobAction) -> None:
            row = selection.cursor_row()
            if row is not None and row.job_id is not None:
                refresh = partial(self._session.scheduler.refresh, self.feed)
                console.record_actions.ask_on_job(action, row.job_id, refresh)

        return {
            "kind.copy": copy,
            "run.browse": browse,
            **{id: partial(ask_on_job, action) for id, action in run_actions.JOB_ACTIONS.items()},
            "runs.rerun": lambda: console.run_actions.rerun(selection.cursor_row()),
            "runs.first-error": open_at_error,
            "runs.explain": explain,
            "view.waterfall": waterfall,
            CANCEL.id: lambda: console.run_actions.confirm_cancel(selection.chosen_rows(), selection.unmark),
        }
