"""Webhooks, cron and workers (system.md)."""

from __future__ import annotations

from starlette.routing import BaseRoute

from ...http.endpoints import Service
from . import cron, others, webhooks, workers


def routes(service: Service) -> list[BaseRoute]:
    """Every route of the family."""
    return [
        *webhooks.routes(service),
        *others.routes(service),
        *cron.routes(service),
        *workers.routes(service),
    ]
