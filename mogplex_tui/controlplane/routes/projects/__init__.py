"""Repositories, workspaces and GitHub (projects.md)."""

from __future__ import annotations

from starlette.routing import BaseRoute

from ..web import Service


def routes(_: Service) -> list[BaseRoute]:
    """Every route of the family."""
    return []
