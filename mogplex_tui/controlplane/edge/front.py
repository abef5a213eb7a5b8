"""The order in which a request meets what stands before the routes."""

from __future__ import annotations

from starlette.types import ASGIApp

from ..routes.web import Service
from .body_limit import BodyLimit
from .gate import HostedGate
from .hosted import HostedDefects
from .inject import FaultInjector, Faults
from .parse import parse
from .site_guard import SiteGuard
from .switch import FaultSwitch


def before(app: ASGIApp, service: Service) -> ASGIApp:
    """Wrap the application in the fixed limits and the middleware of the settings.

    Raises BadRuleError for a fault that cannot be read.
    """
    settings = service.plane.settings
    if service.plane.is_hosted:
        app = HostedGate(HostedDefects(app, service.plane), service)
    app = BodyLimit(SiteGuard(app, service))
    rules = [parse(text) for text in settings.faults]
    if not rules and not settings.fault_route and not service.plane.scenario.now.faults:
        return app
    # The simulator switches those of the scenario.
    faults = service.plane.faults = Faults(settings.seed, rules)
    app = FaultInjector(app, faults, service.origin)
    return FaultSwitch(app, faults) if settings.fault_route else app
