"""The service's side of signing in (auth.md §8, §9)."""

from __future__ import annotations

from starlette.routing import BaseRoute

from ..web import Service


def routes(_: Service) -> list[BaseRoute]:
    """Every route of the family."""
    return []
