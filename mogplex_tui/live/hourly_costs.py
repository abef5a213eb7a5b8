"""The known cost of each hour of the last week, kept on disk between sessions.

The stats route returns the cost of one window per request, so a history of many hours takes
many requests. It is therefore read slowly, an hour at a time, and stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NamedTuple

from mogplex_tui.api.clock import Clock, aware
from mogplex_tui.config.state_file import FileErrorReporter, StateFile
from mogplex_tui.live.hour_figures import HourFigures

HOUR = timedelta(hours=1)
# Hours that the header and the chart show, and hours that are kept to tell what is usual.
SHOWN_HOURS, KEPT_HOURS = 24, 7 * 24
# The service prices some calls only after they have ended: an hour is final when it is read this long after its end.
FINAL_AFTER = timedelta(hours=2)
# The current hour is read again when its figure is this old.
CURRENT_EVERY = timedelta(minutes=2)


class HourCost(NamedTuple):
    """The known cost of one hour in US dollars, when it was read, and its figures.

    The cost is None if no call of the hour has a price. The figures are None if the service did not
    return them, or if an older version of this program stored the hour.
    """

    cost: Decimal | None
    read_at: datetime
    figures: HourFigures | None = None


class HourlyCosts:
    """The costs of single hours of one account, by the start of the hour."""

    def __init__(self, directory: Path | None, clock: Clock, errors: FileErrorReporter | None = None) -> None:
        path = directory / "hourly-costs.json" if directory else None
        self._file = StateFile(path, "the cost of each hour", errors)
        self._clock = clock
        self._hours: dict[datetime, HourCost] = {}
        # The account that the stored hours belong to, None while it is not known.
        self._account: str | None = None
        self._is_loaded = False

    @property
    def known(self) -> Mapping[datetime, HourCost]:
        """The hours of the last week that have been read, in no particular order."""
        return self._hours

    def load(self) -> None:
        """Load the stored hours at the first call; a damaged file is renamed."""
        if self._is_loaded:
            return
        self._is_loaded = True
        stored = self._file.read(_is_stored)
        if stored is None:
            return
        self._account = stored["account"]
        now = self._clock.now()
        for start, hour in map(_unpacked, stored["hours"]):
            # A time in the future was stored with a wrong clock.
            if now - HOUR * KEPT_HOURS <= start <= now and hour.read_at <= now:
                self._hours.setdefault(start, hour)

    def set_account(self, account: str | None) -> None:
        """Set the account, and forget hours that were stored for a different account.

        Does nothing if `account` is None.
        """
        if account is None:
            return
        if self._account is not None and self._account != account:
            self._hours.clear()
        self._account = account

    def put(self, start: datetime, cost: Decimal | None, figures: HourFigures | None = None) -> None:
        """Store the cost and figures of the hour that begins at `start`.

        The current time is recorded as the time of the read.
        """
        now = self._clock.now()
        self._hours[start] = HourCost(cost, now, figures)
        for gone in [each for each in self._hours if each < now - HOUR * KEPT_HOURS]:
            del self._hours[gone]

    def save(self) -> None:
        """Store the hours; an error is reported, not raised."""
        hours = [_packed(start, self._hours[start]) for start in sorted(self._hours)]
        if hours and self._account is not None:
            self._file.write({"account": self._account, "hours": hours})

    def starts(self, count: int = SHOWN_HOURS) -> list[datetime]:
        """Return the starts of the last `count` hours, the current hour last."""
        current = self._clock.now().replace(minute=0, second=0, microsecond=0)
        return [current - HOUR * back for back in reversed(range(count))]

    def to_read(self) -> list[datetime]:
        """Return the starts of the hours that should be read, the most useful one first.

        These are the current hour; the hours of the last day that were never read or were read before
        they ended; hours whose cost was not final when it was read; and the other missing hours of the
        week.
        """
        now = self._clock.now()
        *ended, current = self.starts(KEPT_HOURS)
        known = self._hours.get(current)
        wanted = [current] if known is None or now - known.read_at >= CURRENT_EVERY else []
        ended.reverse()
        partial = [start for start in ended if self._is_partial(start)]
        day = SHOWN_HOURS - 1
        shown = set(ended[:day])
        wanted += [start for start in partial if start in shown]
        wanted += [start for start in ended if start not in partial and self._is_provisional(start, now)]
        return wanted + [start for start in partial if start not in shown]

    def _is_partial(self, start: datetime) -> bool:
        """Return whether an ended hour was never read, or was read before it ended."""
        known = self._hours.get(start)
        return known is None or known.read_at < start + HOUR

    def _is_provisional(self, start: datetime, now: datetime) -> bool:
        """Return whether an hour's cost is final now but was not final when it was read."""
        final_at = start + HOUR + FINAL_AFTER
        return self._hours[start].read_at < final_at <= now

    def costs(self, starts: list[datetime]) -> list[Decimal | None]:
        """Return the cost of each hour; None for hours without a known cost."""
        return [hour.cost if (hour := self._hours.get(start)) else None for start in starts]

    def read_count(self, starts: list[datetime]) -> int:
        """Return how many of these hours have been read."""
        return sum(start in self._hours for start in starts)


def _packed(start: datetime, hour: HourCost) -> list[str | None]:
    cost = None if hour.cost is None else str(hour.cost)
    figures = hour.figures
    more = [] if figures is None else [str(figures.calls), str(figures.success_share)]
    more += [] if figures is None or figures.tokens is None else [str(figures.tokens)]
    return [start.isoformat(), cost, hour.read_at.isoformat(), *more]


def _unpacked(stored: list[str | None]) -> tuple[datetime, HourCost]:
    start, cost, read_at, *more = stored
    spent = None if cost is None else Decimal(cost)
    figures = None
    if more:
        calls, share, *tokens = more
        figures = HourFigures(
            int(calls or ""), float(share or ""), spent or None, *(int(each or "") for each in tokens)
        )
        if figures.calls < 0 or not 0 <= figures.success_share <= 1:
            raise ValueError("figures of an hour out of range")
    return aware(datetime.fromisoformat(start or "")), HourCost(
        spent, aware(datetime.fromisoformat(read_at or "")), figures
    )


def _is_stored(content: Any) -> bool:
    try:
        for each in content["hours"]:
            _, hour = _unpacked(each)
            if hour.cost is not None and not hour.cost.is_finite():
                return False
        return isinstance(content["account"], str)
    except (KeyError, TypeError, ValueError, InvalidOperation):
        return False
