"""Agents, skills, rules, commands, memories and conversations (library.md)."""

from __future__ import annotations

from starlette.routing import BaseRoute

from ...http.endpoints import Service
from . import agents, categories, conversations, generate, memories, registry, roster, rules, skills

_THEMES = (roster, generate, agents, categories, registry, skills, rules, memories, conversations)


def routes(service: Service) -> list[BaseRoute]:
    """Every route of the family."""
    return [entry for theme in _THEMES for entry in theme.routes(service)]
