"""Account, keys, models, teams and billing (identity.md)."""

from __future__ import annotations

from starlette.routing import BaseRoute

from ...http.endpoints import Service
from . import (
    account,
    api_keys,
    arrivals,
    icons,
    invitations,
    invites,
    members,
    provider_keys,
    team_installations,
    teams,
    trail,
)


def routes(service: Service) -> list[BaseRoute]:
    """Every route of the family."""
    modules = (
        account,
        api_keys,
        arrivals,
        icons,
        invitations,
        invites,
        members,
        provider_keys,
        team_installations,
        teams,
        trail,
    )
    return [entry for module in modules for entry in module.routes(service)]
