"""Assignments, triggers, flows, templates and approvals (routing.md), and the rest of observability.md."""

from __future__ import annotations

from starlette.routing import BaseRoute

from ..web import Service


def routes(_: Service) -> list[BaseRoute]:
    """Every route of the family."""
    return []
