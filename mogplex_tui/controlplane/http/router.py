"""A router that finds routes in a table instead of trying one route after another."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import BaseRoute, Match, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send


class PlaneRouter(Router):
    """Starlette's router, with a table in which each path matches one route.

    A path without parameters is looked up in the table, others by the text before their first
    parameter. For every other path Starlette's own search runs, so that the response is the same as
    Starlette's.
    """

    def __init__(self, routes: Sequence[BaseRoute], default: ASGIApp) -> None:
        super().__init__(routes, redirect_slashes=False, default=default)
        self._exact: dict[str, Route] = {}
        self._below: dict[str, list[Route]] = {}
        for route in routes:
            if isinstance(route, Route):
                before, brace, _ = route.path.partition("{")
                if brace:
                    self._below.setdefault(before, []).append(route)
                else:
                    self._exact.setdefault(before, route)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the route that matches its path."""
        # As Starlette's router does: the MCP endpoint asks this router for the routes of its operations.
        scope.setdefault("router", self)
        # Starlette treats a path with a line break at its end as the path without it.
        if scope["type"] == "http" and scope["path"].endswith("\n"):
            await self.default(scope, receive, send)
            return
        if scope["type"] == "http" and not scope.get("root_path"):
            for route in self._candidates(scope["path"]):
                match, child_scope = route.matches(scope)
                if match is Match.FULL:
                    scope.update(child_scope)
                    await route.handle(scope, receive, send)
                    return
        await super().app(scope, receive, send)

    def _candidates(self, path: str) -> Sequence[Route]:
        """Return the routes that may match a path, those with the longest prefix first."""
        exact = self._exact.get(path)
        if exact is not None:
            return (exact,)
        found: list[Route] = []
        end = len(path)
        while (end := path.rfind("/", 0, end)) >= 0:
            found += self._below.get(path[: end + 1], ())
        return found
