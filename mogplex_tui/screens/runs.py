"""The Runs screen: every run and call that the credential can see, newest first, live ones on top."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from textual import on
from textual.widget import Widget

from mogplex_tui.api.access import Family
from mogplex_tui.live.rows import ENDED_STATES, LIVE_STATES, RunRow
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.live.store import RowSet
from mogplex_tui.operate.actions import BY_ID, Action, key_of, offered
from mogplex_tui.operate.kinds import RUNS
from mogplex_tui.operate.run_facts import copied
from mogplex_tui.screens.base import bindings
from mogplex_tui.screens.list_screen import ListScreen
from mogplex_tui.widgets.line_table import LineTable
from mogplex_tui.widgets.status_line import Segment
from mogplex_tui.widgets.tones import Tone

START = BY_ID["runs.new"]


# What a link leads to is looked for among so many runs, a page at a time.
REACH = 1_000


class RunsScreen(ListScreen):
    """The list of runs."""

    KIND = RUNS
    SCOPE = "runs"
    TAB = "runs"
    BINDINGS = bindings("runs")
    FILTER_EXAMPLE = "repo:web !docs state:failed cost:>1"
    FLASHED = ("state", "cost")

    def __init__(self, narrowed: str = "") -> None:
        super().__init__(narrowed)
        self._live: set[str] = set()
        self._failures: dict[str, datetime] = {}
        self._told: dict[str, set[str]] = {"model": set(), "cost": set()}

    def rows_of(self) -> RowSet[RunRow]:
        """Return the runs."""
        return self.console.runs.set

    def feed_of(self) -> Feed:
        """Return the feed of the runs."""
        return self.console.runs.feed

    def empty(self) -> str:
        """Return what to do about an empty list."""
        way = ":automations shows what could start them."
        if offered(START, self.session) is not None:
            return f"No runs yet. {way}"
        return f"No runs yet. {key_of(START.id)} starts one; {way}"

    def never(self) -> frozenset[str]:
        """Return what these credentials never do."""
        return frozenset() if offered(START, self.session) is None else frozenset({START.id})

    def compose_body(self) -> Iterator[Widget]:
        """Yield the notice and the table."""
        yield from super().compose_body()
        self.tally(self._rows.rows)

    def row(self) -> RunRow | None:
        """Return the run under the cursor."""
        item: RunRow | None = self.item()
        return item

    def notice(self) -> str:
        """Return which runs cannot be seen and how they can."""
        if self._rows.notice is not None:
            # A run is opened by v1.
            opens = (
                f" {key_of('runs.open-id')} opens any run by its id." if self.session.open(Family.V1) else ""
            )
            return f"{self._rows.notice}{opens}"
        return ""

    def tally(self, keys: Iterable[str]) -> None:
        """Keep count of the live and the failed by what changed, so that the size of the list costs nothing."""
        for key in keys:
            row = self._rows.rows.get(key)
            self._live.discard(key)
            self._failures.pop(key, None)
            for column, tellers in self._told.items():
                tellers.discard(key)
                if row is not None and getattr(row, column) is not None:
                    tellers.add(key)
            if row is not None and row.state in LIVE_STATES:
                self._live.add(key)
            elif row is not None and row.state == "failed" and row.began is not None:
                self._failures[key] = row.began

    def flush(self) -> None:
        """Leave out the columns that nothing is told in while a part alone can be seen."""
        super().flush()
        part = self._rows.notice is not None
        self.table.leave_out(frozenset(name for name, tellers in self._told.items() if part and not tellers))

    def say(self) -> None:
        """Say what there is to say, and look on for what a link leads to."""
        super().say()
        if self._looks_further():
            self.console.runs.load_more()

    def _looks_further(self) -> bool:
        """Whether what a link leads to is looked for among older runs, where nobody can scroll to the end."""
        return (
            bool(self._narrowed)
            and not len(self._view)
            and len(self._rows.rows) < REACH
            and self.console.runs.may_load_more
        )

    def beyond(self) -> list[str]:
        """Return that older runs are read, or that they were not looked through."""
        if self._looks_further():
            return ["Older ones are being read."]
        return ["The service has older ones."] if self.console.runs.may_load_more else []

    def _failed_today(self) -> Segment:
        """How many of today failed; today is the service's, from 00:00 UTC, as it is for what today costs.

        Where not all of today is loaded it is that many at least, and none among a part says nothing.
        """
        midnight = self.session.clock.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        failed = sum(began >= midnight for began in self._failures.values())
        whole = self._rows.whole_since is not None and self._rows.whole_since <= midnight
        if not whole:
            return Segment(f"{failed}+ failed today" if failed else "", Tone.ERROR, priority=3)
        return Segment(f"{failed} failed today", Tone.ERROR if failed else Tone.DIM, priority=3)

    def counts(self) -> list[Segment]:
        """Return how many are live and how many failed today."""
        live = len(self._live)
        return [
            Segment(f"{live} live", Tone.LIVE if live else Tone.DIM, priority=2),
            self._failed_today(),
        ]

    @on(LineTable.NearEnd)
    def _load_more(self) -> None:
        self.console.runs.load_more()

    def why_not(self, action: Action) -> str | None:
        """Return why an action is not offered; a cancel of marked runs is when one of them can be cancelled."""
        if action.id != "runs.cancel" or not (marked := self.marked()):
            return super().why_not(action)
        answers = [offered(action, self.session, row) for row in marked]
        return None if None in answers else answers[0]

    def why_no_mark(self, row: RunRow) -> str | None:
        """Return why a run is not for a cancel of several: it is over."""
        from mogplex_tui.operate.operations import why_not_cancel

        return why_not_cancel(self.session, row) if row.unreadable or row.state in ENDED_STATES else None

    # Actions ---------------------------------------------------------------------------------------------------

    @on(LineTable.RowSelected)
    def _opened(self) -> None:
        self.do_runs_open()

    def do_runs_open(self) -> None:
        """Open the run under the cursor."""
        row = self.row()
        # A second press of a quick hand is heard here when the run is open already.
        if row is not None and self.is_active:
            self.console.navigation.open_run(row)

    def do_kind_copy(self) -> None:
        """Copy the id of the run under the cursor."""
        row = self.row()
        if row is not None:
            self.console.copy(*copied(row))

    def do_runs_mark(self) -> None:
        """Mark the run, or take the mark away, and go on to the next."""
        self.toggle_mark()

    def do_runs_cancel(self) -> None:
        """Ask, then cancel every marked run, or the one under the cursor."""
        row = self.row()
        chosen = self.marked() or ([row] if row is not None else [])
        self.console.run_actions.confirm_cancel(chosen, self.unmark)
