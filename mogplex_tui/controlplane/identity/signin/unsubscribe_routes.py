"""/api/unsubscribe: the target of links in the service's mails (system.md §6)."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import BaseRoute

from ...http.endpoints import ApiRequest, MethodHandler, Service, route
from .forms import PageEndpoint
from .html_pages import message_page


async def unsubscribe(_: ApiRequest) -> Response:
    """Show that there is nothing to unsubscribe from: the plane sends no mail."""
    return message_page("No mail", "This service sends no mail, so there is nothing to unsubscribe from.")


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module."""
    handlers = {"GET": MethodHandler(unsubscribe), "POST": MethodHandler(unsubscribe)}
    return [route("/api/unsubscribe", PageEndpoint(service, handlers))]
