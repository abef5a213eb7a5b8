"""Keeps the findings of a session up to date with what its feeds have read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import Throttled
from mogplex_tui.live.failure_class import FailureClass
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.operate import health
from mogplex_tui.operate.health import EndedWork, Finding, FindingKind

if TYPE_CHECKING:
    from mogplex_tui.live.collection import AnyCollection
    from mogplex_tui.live.session import Session

# Seconds after which the findings are computed again though nothing was read: an hour moves with time.
_EVERY = 60.0
# Seconds by which a console with a token alone reads other lists before the sandboxes.
_SANDBOXES_AFTER = 70.0
# Seconds for which a finding stays after it was last computed. While earlier hours are still being read, what is
# usual changes with each of them, and a finding at the limit would come and go.
_HELD = 180.0


class HealthMonitor:
    """Computes findings from data that the session reads for other purposes.

    These are runs, hourly figures and approvals. Only the list of sandboxes is read for the monitor,
    while there are failed runs. `approvals` returns the number of pending approvals and their
    creation times.
    """

    def __init__(
        self, session: Session, approvals: Callable[[], tuple[int, Iterable[datetime | None]]]
    ) -> None:
        self._session, self._approvals = session, approvals
        self._findings: list[Finding] = []
        # The last finding of each kind, and the monotonic time at which it was computed.
        self._last: dict[FindingKind, tuple[Finding, float]] = {}
        self._computed_at: float | None = None
        session.store.set("runs").changes.subscribe(self._clear_cache)
        session.store.set("approvals").changes.subscribe(self._clear_cache)
        session.store.set("sandboxes").changes.subscribe(self._clear_cache)
        session.costs.changed.subscribe(self._clear_cache)

    def start(self, sandboxes: AnyCollection) -> None:
        """Start reading the list of sandboxes once a minute while there are failed runs."""

        async def fetch() -> bool:
            return await sandboxes.fetch(Priority.BACKGROUND)

        feed = Feed(
            "health:sandboxes",
            fetch,
            Priority.BACKGROUND,
            every=_EVERY,
            poll_without_realtime=_EVERY,
            metered=sandboxes.feed.metered,
            metered_delay=_SANDBOXES_AFTER,
            idle=lambda: sandboxes.source is None or not self._has_failed_runs(),
        )
        self._session.scheduler.subscribe(feed)

    def _has_failed_runs(self) -> bool:
        since = self._session.clock.now() - health.HOUR
        rows = self._session.store.set("runs").rows.values()
        return any(row.state == "failed" and row.began is not None and row.began >= since for row in rows)

    def _clear_cache(self, *_: object) -> None:
        self._computed_at = None

    def findings(self) -> list[Finding]:
        """Return the present findings, the most severe first."""
        now = self._session.clock.monotonic()
        if self._computed_at is None or now - self._computed_at >= _EVERY:
            self._computed_at = now
            self._findings = self._with_recent(self._computed(), now)
        until = self._rate_limited_until()
        limit = [health.rate_limit(until - now)] if until > now else []
        return sorted([*self._findings, *limit], key=lambda finding: finding.kind)

    def _with_recent(self, computed: list[Finding], now: float) -> list[Finding]:
        """Return the computed findings and those that were computed shortly before.

        Approvals are a plain count and are not held. Failed runs are not held beside broken
        sandboxes, which may explain them.
        """
        self._last.update((finding.kind, (finding, now)) for finding in computed)
        left_out = {FindingKind.APPROVALS, *(finding.kind for finding in computed)}
        if FindingKind.SANDBOXES in left_out:
            left_out.add(FindingKind.FAILED_RUNS)
        held = [
            finding for kind, (finding, at) in self._last.items() if kind not in left_out and now - at < _HELD
        ]
        return computed + held

    def _rate_limited_until(self) -> float:
        """Return the monotonic time at which the last rate limit ends.

        Returns 0 if there was no rate limit.
        """
        costs = self._session.costs.feeds
        reads = (
            self._session.store.set("runs").freshness,
            costs["hour"].freshness,
            costs["hours"].freshness,
        )
        ends = [read.retry_at or 0.0 for read in reads if isinstance(read.error, Throttled)]
        return max(self._session.budget.blocked_until or 0.0, *ends, 0.0)

    def _computed(self) -> list[Finding]:
        session, costs = self._session, self._session.costs
        runs, now = session.store.set("runs"), session.clock.now()
        rows = runs.rows.values()
        hours = health.earlier_hours(costs.earlier_hours(), rows, now)
        broken = health.broken_sandboxes(self._boots(), now)
        # A run that failed for its sandbox is said only once.
        others = [row for row in rows if broken is None or row.failure_class is not FailureClass.SANDBOX]
        found = (
            broken,
            health.failed_runs(others, hours, runs.whole_since, now),
            health.spend(costs.last_hour(), hours),
            health.loop(rows, now),
            health.approvals(*self._approvals(), now),
        )
        return [finding for finding in found if finding is not None]

    def _boots(self) -> list[EndedWork]:
        """Return the boots of the known sandboxes that have ended."""
        rows = [entry.row for entry in self._session.store.set("sandboxes").rows.values()]
        return [
            EndedWork(row.created_at, row.did_not_boot)
            for row in rows
            if row is not None and row.created_at is not None and not row.is_booting
        ]
