"""Collect the routes of schedulers and workers (system.md)."""

from __future__ import annotations

from starlette.routing import BaseRoute

from ..http.endpoints import Service
from . import cron_routes, worker_routes


def routes(service: Service) -> list[BaseRoute]:
    """Return all routes of this package."""
    return [
        *cron_routes.routes(service),
        *worker_routes.routes(service),
    ]
