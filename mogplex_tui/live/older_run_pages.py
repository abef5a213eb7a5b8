"""Reads older pages of runs, as far back as a screen compares, at low priority."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from mogplex_tui.api.budget import Priority
from mogplex_tui.live.call_pages import PAGE, CallPages
from mogplex_tui.live.scheduler import Feed

if TYPE_CHECKING:
    from collections.abc import Callable

    from mogplex_tui.live.run_row import RunRow
    from mogplex_tui.live.session import Session
    from mogplex_tui.live.store import RowSet

MAX_RUNS: Final = 20 * PAGE
"""The runs that are loaded by themselves; a list loads more when it is scrolled."""
_FREE_EVERY: Final = 1.0
_METERED_EVERY: Final = 15.0
"""The least seconds between two pages that count against a token's budget."""
_METERED_DELAY: Final = 12.0
"""The seconds by which pages that count against the budget let the lists of a screen go first."""


class OlderRunPages:
    """Reads runs back to the time that the visible screen compares.

    With a browser session all pages are read at once. Pages that count against a token's budget are
    read one at a time, and only while no more than a third of the budget is used.
    """

    def __init__(
        self, session: Session, calls: CallPages, rows: RowSet[RunRow], is_listed: Callable[[], bool]
    ) -> None:
        self._session, self._calls, self._set, self._is_listed = session, calls, rows, is_listed
        self._since: datetime | None = None
        self.feed = Feed(
            "runs:older",
            self._fetch,
            Priority.BACKGROUND,
            every=_METERED_EVERY,
            poll_without_realtime=_METERED_EVERY,
            metered=session.metered_off_v1,
            metered_delay=_METERED_DELAY,
            idle=lambda: not self.is_reading,
        )

    def want(self, since: datetime) -> None:
        """Read runs back to this time while the feed has a subscription."""
        was_reading, self._since = self.is_reading, since
        if self.is_reading and not was_reading:
            self._session.scheduler.recheck()

    @property
    def is_reading(self) -> bool:
        """Whether runs of the wanted time are missing and will be read."""
        whole_since = self._set.whole_since
        return (
            self._since is not None
            and self._is_listed()
            and (whole_since is None or whole_since > self._since)
            and self._calls.may_load_more
            and len(self._calls.loaded()[0]) < MAX_RUNS
        )

    async def _fetch(self) -> bool:
        """Read the next pages; return whether any row changed. Raises MogplexError."""
        is_metered, budget, differed = self._session.metered_off_v1(), self._session.budget, False
        self.feed.poll_without_realtime = _METERED_EVERY if is_metered else _FREE_EVERY
        if is_metered and budget.used() > budget.limit // 3:
            return False
        for _ in range(1 if is_metered else MAX_RUNS // PAGE):
            if not self.is_reading:
                break
            differed |= await self._calls.read_further(Priority.BACKGROUND)
        return differed
