"""A router that looks a path up instead of trying one route after another: the plane has more than two hundred."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import BaseRoute, Match, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send


class PlaneRouter(Router):
    """Starlette's router for routes of which no two answer the same path, which is what makes their order free.

    Paths without a parameter are found by themselves, the others by what stands before their first parameter. What is
    not found that way is looked for in Starlette's own way, so that it gets the same answer.
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
        """Hand a request to its route."""
        # As Starlette's own does: the MCP endpoint asks this router for the routes behind its operations.
        scope.setdefault("router", self)
        # To Starlette a path with a line break at its end is the path without it.
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
        """The routes that a path may mean, those with the longest common beginning first."""
        exact = self._exact.get(path)
        if exact is not None:
            return (exact,)
        found: list[Route] = []
        end = len(path)
        while (end := path.rfind("/", 0, end)) >= 0:
            found += self._below.get(path[: end + 1], ())
        return found
