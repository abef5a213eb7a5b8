"""The client layer: typed, tolerant, asynchronous; knows HTTP and nothing of a terminal.

Names are loaded when they are first used, so that the budget, the access map and the errors cost nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mogplex_tui.api.access import AccessMap, Family, Finding, Reach
    from mogplex_tui.api.budget import Blocked, Budget, Outcome, Priority, Slot
    from mogplex_tui.api.client import ClientView, MogplexClient
    from mogplex_tui.api.clock import Clock, SystemClock
    from mogplex_tui.api.connection_state import Connection, ConnectionState
    from mogplex_tui.api.errors import MogplexError
    from mogplex_tui.api.target import Target

_WHERE = {
    "AccessMap": "access",
    "Blocked": "budget",
    "Budget": "budget",
    "ClientView": "client",
    "Clock": "clock",
    "Connection": "connection",
    "ConnectionState": "connection",
    "Family": "access",
    "Finding": "access",
    "MogplexClient": "client",
    "MogplexError": "errors",
    "Outcome": "budget",
    "Priority": "budget",
    "Reach": "access",
    "Slot": "budget",
    "SystemClock": "clock",
    "Target": "target",
}

__all__ = [
    "AccessMap",
    "Blocked",
    "Budget",
    "ClientView",
    "Clock",
    "Connection",
    "ConnectionState",
    "Family",
    "Finding",
    "MogplexClient",
    "MogplexError",
    "Outcome",
    "Priority",
    "Reach",
    "Slot",
    "SystemClock",
    "Target",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
