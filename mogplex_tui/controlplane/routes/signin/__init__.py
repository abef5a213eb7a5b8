"""The service's side of signing in (auth.md §8, §9)."""

from __future__ import annotations

from starlette.routing import BaseRoute

from ...http.endpoints import Service
from . import authorize, clients, discovery, hand_off, login, mail, password, tokens


def routes(service: Service) -> list[BaseRoute]:
    """Every route of the family."""
    return [
        entry
        for theme in (discovery, clients, authorize, tokens, login, password, hand_off, mail)
        for entry in theme.routes(service)
    ]
