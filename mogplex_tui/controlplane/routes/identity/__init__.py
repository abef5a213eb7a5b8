"""Account, keys, models, teams and billing (identity.md)."""

from __future__ import annotations

from starlette.routing import BaseRoute

from ..web import Service


def routes(_: Service) -> list[BaseRoute]:
    """Every route of the family."""
    return []
