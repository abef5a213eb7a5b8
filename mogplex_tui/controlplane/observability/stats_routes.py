"""GET /api/observability/stats (observability.md §1)."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from ..db.clock import parse_instant
from ..http.endpoints import ApiRequest, MethodHandler, PlainEndpoint, Service, json_response, route
from .stats import stats


async def read_stats(request: ApiRequest) -> Response:
    """Return the statistics for the range from `from` to `to`.

    An invalid time is treated as missing.
    """
    return json_response(
        stats(
            request.plane,
            request.user_id,
            parse_instant(request.query("from")),
            parse_instant(request.query("to")),
        )
    )


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    return [route("/api/observability/stats", PlainEndpoint(service, {"GET": MethodHandler(read_stats)}))]
