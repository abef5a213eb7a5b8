"""Collect the routes of agents, skills, rules, commands and memories (library.md)."""

from __future__ import annotations

from starlette.routing import BaseRoute

from ..http.endpoints import Service
from . import (
    agent_draft_routes,
    agent_routes,
    category_routes,
    memory_routes,
    roster_routes,
    rule_and_command_routes,
    skill_registry_routes,
    skill_routes,
    v1_catalogue_routes,
)

_THEMES = (
    v1_catalogue_routes,
    roster_routes,
    agent_draft_routes,
    agent_routes,
    category_routes,
    skill_registry_routes,
    skill_routes,
    rule_and_command_routes,
    memory_routes,
)


def routes(service: Service) -> list[BaseRoute]:
    """Return all routes of this package."""
    return [entry for theme in _THEMES for entry in theme.routes(service)]
