"""The order in which a request meets what stands before the routes."""

from __future__ import annotations

from starlette.types import ASGIApp

from ..plane import Settings
from .inject import FaultInjector, Faults
from .parse import parse
from .switch import FaultSwitch


def before(app: ASGIApp, settings: Settings, origin: str) -> ASGIApp:
    """The application behind everything the settings ask for; itself when they ask for nothing.

    Raises BadRuleError for a fault that cannot be read.
    """
    rules = [parse(text) for text in settings.faults]
    if not rules and not settings.fault_route:
        return app
    faults = Faults(settings.seed, rules)
    app = FaultInjector(app, faults, origin)
    return FaultSwitch(app, faults) if settings.fault_route else app
