"""Wrap the application in the plane's middleware."""

from __future__ import annotations

from starlette.types import ASGIApp

from .faults.control_route import FaultSwitch
from .faults.injector import FaultInjector, Faults
from .faults.rules import parse
from .hosted.defect_middleware import HostedDefects
from .hosted.login_gate import HostedGate
from .http.body_limit import BodyLimit
from .http.endpoints import Service
from .http.site_guard import SiteGuard


def wrap_in_middleware(app: ASGIApp, service: Service) -> ASGIApp:
    """Return the application wrapped in all middleware that the settings require.

    Raises BadRuleError for an invalid fault rule in the settings.
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
