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
    """The way to read the logs of a kind's records.

    `read` takes a record's key and row and returns every line of every log, oldest first.
    `tables` are the realtime tables that announce new lines. `poll` and `poll_without_realtime`
    are the seconds between reads (see `model.Source`). `is_over` returns whether a row will get
    no more lines. `uses_v1` tells whether a read counts towards the request limit of the token.
    `empty` is the sentence that is shown while there are no lines.
    """

    read: Callable[[ClientView, Session, str, Row], Awaitable[Sequence[LogLine]]]
    tables: frozenset[str]
    poll: float = 15.0
    poll_without_realtime: float = 5.0
    is_over: Callable[[Row], bool] = lambda _: False
    uses_v1: Callable[[Session], bool] = lambda _: False
    empty: str = "Nothing was logged yet. Lines appear here as they are written."
