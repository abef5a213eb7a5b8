"""Collect the routes of accounts, keys, models, teams and sign-in (identity.md)."""

from __future__ import annotations

from starlette.routing import BaseRoute

from ..http.endpoints import Service
from . import (
    account_routes,
    api_key_routes,
    audit_routes,
    invitation_routes,
    model_routes,
    new_model_routes,
    profile_routes,
    provider_key_routes,
    team_icon_routes,
    team_installation_routes,
    team_invite_routes,
    team_member_routes,
    team_routes,
)
from .signin import routes as signin_routes


def routes(service: Service) -> list[BaseRoute]:
    """Return all routes of this package."""
    modules = (
        profile_routes,
        model_routes,
        account_routes,
        api_key_routes,
        new_model_routes,
        team_icon_routes,
        invitation_routes,
        team_invite_routes,
        team_member_routes,
        provider_key_routes,
        team_installation_routes,
        team_routes,
        audit_routes,
        signin_routes,
    )
    return [entry for module in modules for entry in module.routes(service)]
