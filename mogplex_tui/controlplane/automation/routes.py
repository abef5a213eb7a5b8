"""Routes of assignments, triggers, flows, approvals and webhooks (routing.md)."""

from __future__ import annotations

from starlette.routing import BaseRoute

from ..http.endpoints import Service
from . import (
    approval_routes,
    assignment_routes,
    flow_routes,
    flow_run_routes,
    launch_check_routes,
    partner_webhook_routes,
    template_routes,
    trigger_routes,
    v1_automation_routes,
    webhook_routes,
)

_THEMES = (
    assignment_routes,
    trigger_routes,
    template_routes,
    approval_routes,
    launch_check_routes,
    flow_run_routes,
    flow_routes,
    v1_automation_routes,
    webhook_routes,
    partner_webhook_routes,
)


def routes(service: Service) -> list[BaseRoute]:
    """Return all routes of automations, triggers, approvals and webhooks."""
    return [entry for theme in _THEMES for entry in theme.routes(service)]
