"""Periods of time in which all calls are known, and the gaps between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The start of a period that has the account's first call."""
FINAL_AFTER: Final = timedelta(hours=2)
"""The age at which the cost of a call hardly changes any more."""


class CoveredSpan(NamedTuple):
    """A period of which all calls have been read, both ends included.

    `read_at` is the time at which its newest calls were read.
    """

    oldest: datetime
    newest: datetime
    read_at: datetime

    @property
    def has_first_call(self) -> bool:
        """Whether the period has all calls up to the account's first one."""
        return self.oldest <= EPOCH


def merged(spans: Iterable[CoveredSpan]) -> list[CoveredSpan]:
    """Return the union of periods without overlaps, the oldest first."""
    out: list[CoveredSpan] = []
    for span in sorted(spans):
        if not out or span.oldest > out[-1].newest:
            out.append(span)
            continue
        last = out[-1]
        newer = max(last, span, key=lambda each: (each.newest, each.read_at))
        out[-1] = CoveredSpan(last.oldest, newer.newest, newer.read_at)
    return out


def final_part(span: CoveredSpan, oldest_live: datetime | None) -> CoveredSpan | None:
    """Return the part of a period whose calls hardly change any more, or None.

    `oldest_live` is the start of the oldest call of the period that had not ended when it was read.
    """
    newest = min(span.newest, span.read_at - FINAL_AFTER)
    if oldest_live is not None:
        newest = min(newest, oldest_live - timedelta(microseconds=1))
    return span._replace(newest=newest) if newest > span.oldest else None


class Gap(NamedTuple):
    """A period of which calls may be missing, both ends included."""

    oldest: datetime
    newest: datetime


def gaps(spans: Sequence[CoveredSpan], since: datetime) -> list[Gap]:
    """Return the gaps between periods and before the first one, the newest first.

    The spans are in order, as `merged` returns them. A gap begins at `since` at the earliest. The
    time after the newest period is no gap: it is read with the list of runs.
    """
    out = []
    for index in reversed(range(len(spans))):
        before = spans[index - 1].newest if index else EPOCH
        gap = Gap(max(before, since), spans[index].oldest)
        if gap.oldest < gap.newest and not spans[index].has_first_call:
            out.append(gap)
        if spans[index].oldest <= since:
            break
    return out


def complete_since(spans: Sequence[CoveredSpan]) -> datetime | None:
    """Return the time from which all calls up to the last read are known."""
    return spans[-1].oldest if spans else None
