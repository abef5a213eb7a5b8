"""Assignments, triggers, flows, templates and approvals (routing.md), and the rest of observability.md."""

from __future__ import annotations

from starlette.routing import BaseRoute

from ...http.endpoints import Service
from . import (
    approvals,
    assignments,
    automations,
    dispatch_events,
    findings,
    flow_runs,
    flows,
    job_actions,
    templates,
    triggers,
)

_THEMES = (
    assignments,
    triggers,
    templates,
    approvals,
    automations,
    flow_runs,
    flows,
    dispatch_events,
    job_actions,
    findings,
)


def routes(service: Service) -> list[BaseRoute]:
    """Every route of the family."""
    return [entry for theme in _THEMES for entry in theme.routes(service)]
