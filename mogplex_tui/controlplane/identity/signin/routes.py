"""Collect the routes of sign-in: login pages and OAuth (auth.md §8, §9)."""

from __future__ import annotations

from starlette.routing import BaseRoute

from ...http.endpoints import Service
from . import (
    authorize_routes,
    cli_login_routes,
    client_routes,
    discovery_routes,
    login_routes,
    password_login_routes,
    token_routes,
    unsubscribe_routes,
)


def routes(service: Service) -> list[BaseRoute]:
    """Return all routes of this package."""
    return [
        entry
        for theme in (
            discovery_routes,
            client_routes,
            authorize_routes,
            token_routes,
            login_routes,
            password_login_routes,
            cli_login_routes,
            unsubscribe_routes,
        )
        for entry in theme.routes(service)
    ]
