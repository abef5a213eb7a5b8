"""All routes of calls, jobs, the dispatch ledger and the statistics.

observability.md.
"""

from __future__ import annotations

from starlette.routing import BaseRoute

from ..http.endpoints import Service
from . import (
    call_routes,
    dispatch_and_failure_routes,
    finding_routes,
    job_retry_routes,
    job_routes,
    stats_routes,
)

_THEMES = (
    call_routes,
    stats_routes,
    job_routes,
    dispatch_and_failure_routes,
    job_retry_routes,
    finding_routes,
)


def routes(service: Service) -> list[BaseRoute]:
    """Return all routes of this package."""
    return [entry for theme in _THEMES for entry in theme.routes(service)]
