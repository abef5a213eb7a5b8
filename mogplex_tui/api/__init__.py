"""The asynchronous client of the Mogplex API.

    target = Target("work", "https://mogplex.com", token=Secret("mog_..."))
    async with MogplexClient(target) as client:
        page = await client.observability.calls(status="failed")

Each method of a resource (`client.runs`, `client.sandboxes` …) sends one request. It returns
models of `mogplex_tui.api.models` or raises an error of `mogplex_tui.api.errors`. This package
imports its modules when their names are first used, so that a program which only needs the
budget, the access map or the errors does not load the HTTP library and the models.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mogplex_tui.api.budget import Blocked, Budget, Priority, RequestOutcome, Slot
    from mogplex_tui.api.client import ClientView, MogplexClient
    from mogplex_tui.api.clock import Clock, SystemClock
    from mogplex_tui.api.connection_state import ConnectionMonitor, ConnectionState
    from mogplex_tui.api.errors import MogplexError
    from mogplex_tui.api.route_access import AccessMap, Family, FamilyAccess, Reach
    from mogplex_tui.api.target import Target

_MODULES = {
    "AccessMap": "route_access",
    "Blocked": "budget",
    "Budget": "budget",
    "ClientView": "client",
    "Clock": "clock",
    "ConnectionMonitor": "connection_state",
    "ConnectionState": "connection_state",
    "Family": "route_access",
    "FamilyAccess": "route_access",
    "MogplexClient": "client",
    "MogplexError": "errors",
    "RequestOutcome": "budget",
    "Priority": "budget",
    "Reach": "route_access",
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
    "ConnectionMonitor",
    "ConnectionState",
    "Family",
    "FamilyAccess",
    "MogplexClient",
    "MogplexError",
    "Priority",
    "Reach",
    "RequestOutcome",
    "Slot",
    "SystemClock",
    "Target",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
