"""Collect the routes of chats and stored transcripts (library.md §12 and §13)."""

from __future__ import annotations

from starlette.routing import BaseRoute

from ..http.endpoints import Service
from . import chat_routes, transcript_routes


def routes(service: Service) -> list[BaseRoute]:
    """Return all routes of this package."""
    return [*chat_routes.routes(service), *transcript_routes.routes(service)]
