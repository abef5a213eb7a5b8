"""Sources of a kind's logs, for the log pane of the record's page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic

from mogplex_tui.operate.model import Row

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.log_tail import LogLine
    from mogplex_tui.live.session import Session


@dataclass(frozen=True, slots=True)
class LogSource(Generic[Row]):
    """One way to read the logs of a record.

    `read` returns every line of every log, oldest first, for the record's key and row. `tables` are the realtime tables
    that announce new lines; `poll` and `poll_without_realtime` are seconds between reads (see `model.Source`). No more
    lines are expected for a row for which `is_over` is true. `uses_v1` tells whether reading spends requests of the
    token's budget. `empty` is the sentence that is shown while there is no line.
    """

    read: Callable[[ClientView, Session, str, Row], Awaitable[Sequence[LogLine]]]
    tables: frozenset[str]
    poll: float = 15.0
    poll_without_realtime: float = 5.0
    is_over: Callable[[Row], bool] = lambda _: False
    uses_v1: Callable[[Session], bool] = lambda _: False
    empty: str = "Nothing was logged yet. Lines appear here as they are written."
