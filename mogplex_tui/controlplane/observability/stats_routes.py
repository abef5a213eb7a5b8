"""GET /api/observability/stats (observability.md §1)."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from ..db.clock import parse_instant
from ..http.endpoints import Ask, PlainEndpoint, Service, Verb, answer, route
from .stats import stats


async def read_stats(ask: Ask) -> Response:
    """Return the statistics for the range from `from` to `to`.

    An invalid time counts as missing.
    """
    return answer(
        stats(ask.plane, ask.user_id, parse_instant(ask.query("from")), parse_instant(ask.query("to")))
    )


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    return [route("/api/observability/stats", PlainEndpoint(service, {"GET": Verb(read_stats)}))]
