"""Routes of the dispatch ledger and of failed runs (observability.md §8)."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import BaseRoute

from ..http.endpoints import (
    ApiRequest,
    MethodHandler,
    PlainEndpoint,
    Service,
    empty_500,
    json_response,
    refusal,
    route,
)
from ..http.params import page_and_limit
from . import dispatch_queries, failure_report
from .call_queries import BadInstantError


async def list_events(request: ApiRequest) -> Response:
    """Return one page of the caller's dispatch ledger, newest first.

    Internal error texts are included. The response to an invalid time is a 500.
    """
    page, limit = page_and_limit(request)
    try:
        found = dispatch_queries.find_events(request.plane, request.user_id, request.query, page, limit)
    except BadInstantError:
        raise empty_500() from None
    events = dispatch_queries.events_json(request.plane, found.rows)
    return json_response({"events": events, "total": found.total, "page": page, "limit": limit})


async def list_failures(request: ApiRequest) -> Response:
    """Return one page of failed runs with totals, breakdowns and filter options.

    Internal error texts are included, and the keys are in camel case.
    """
    page, limit = page_and_limit(request, 25)
    try:
        return json_response(
            failure_report.report(request.plane, request.user_id, request.query, page, limit)
        )
    except BadInstantError as error:
        text = f'invalid input syntax for type timestamp with time zone: "{error}"'
        raise refusal(500, text) from None


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module."""
    prefix = "/api/observability/automation-"
    return [
        route(prefix + "events", PlainEndpoint(service, {"GET": MethodHandler(list_events)})),
        route(
            prefix + "failures",
            PlainEndpoint(
                service, {"GET": MethodHandler(list_failures, failure="Failed to load automation failures")}
            ),
        ),
    ]
