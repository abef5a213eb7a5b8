"""Track whether the service responds, and when this last changed."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from mogplex_tui.api import errors
from mogplex_tui.api.clock import Clock
from mogplex_tui.api.observable import Observable


class ConnectionState(StrEnum):
    """Whether the service responds.

    CONNECTING: no request has been made. NOMINAL: the service responds. DEGRADED: the service
    responds with failures, or single requests get no response. OFFLINE: no request gets a response.
    """

    CONNECTING = "connecting"
    NOMINAL = "nominal"
    DEGRADED = "degraded"
    OFFLINE = "offline"


# Failures in a row that change the state. A single one may be the fault of the request.
_FAILURES_UNTIL_TROUBLE = 3
_BROKEN_ANSWER = (errors.Unavailable, errors.ServiceFailed, errors.InvalidResponse)


class ConnectionMonitor(Observable):
    """The state of the connection, updated after each request.

    A request without a response sets DEGRADED. It sets OFFLINE if it is the third in a row or
    if the service has never responded. Three failed responses in a row (5xx, not JSON) set
    DEGRADED. Any other response sets NOMINAL, even one that refuses the request.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self.state = ConnectionState.CONNECTING
        self.since: datetime = clock.now()
        self.last_success: datetime | None = None
        self.failures = 0
        self._broken = 0

    def learn(self, error: errors.MogplexError | None) -> None:
        """Record the outcome of one request; `error` is None for a success."""
        if isinstance(error, errors.BudgetBlocked | errors.InvalidTarget | errors.InvalidInput):
            return
        if isinstance(error, errors.Unreachable):
            self.failures += 1
            lost = self.failures >= _FAILURES_UNTIL_TROUBLE or self.last_success is None
            self._set(ConnectionState.OFFLINE if lost else ConnectionState.DEGRADED)
            return
        self.last_success = self._clock.now()
        self.failures = 0
        self._broken = self._broken + 1 if isinstance(error, _BROKEN_ANSWER) else 0
        trouble = self._broken >= _FAILURES_UNTIL_TROUBLE
        self._set(ConnectionState.DEGRADED if trouble else ConnectionState.NOMINAL)

    def _set(self, state: ConnectionState) -> None:
        if state is not self.state:
            self.state, self.since = state, self._clock.now()
            self._changed()
        elif self.failures:
            self._changed()
