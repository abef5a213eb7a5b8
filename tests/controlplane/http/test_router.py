"""The plane's router finds the same route as Starlette's."""

from __future__ import annotations

import re

import pytest
from starlette.routing import Route, Router
from starlette.types import Message, Receive, Scope, Send

from mogplex_tui.controlplane.http.router import PlaneRouter
from mogplex_tui.controlplane.route_listing import unserved_router


@pytest.fixture(scope="module")
def app() -> PlaneRouter:
    found = unserved_router()
    assert isinstance(found, PlaneRouter)
    return found


class _Recorder:
    """An endpoint that only records the scope of its requests."""

    def __init__(self) -> None:
        self.met: list[tuple[object, object]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.met.append((scope.get("endpoint"), scope.get("path_params")))


def _double(app: Router, recorder: _Recorder) -> list[Route]:
    """Return the routes of an application with endpoints that only record.

    Each keeps the name of its own endpoint.
    """
    doubled = []
    for route in app.routes:
        assert isinstance(route, Route)
        double = Route(route.path, route.endpoint)
        double.app = recorder
        doubled.append(double)
    return doubled


async def _asked(router: Router, recorder: _Recorder, path: str) -> list[tuple[object, object]]:
    async def receive() -> Message:
        raise AssertionError("nobody reads")

    async def send(message: Message) -> None:
        raise AssertionError("nobody answers")

    recorder.met.clear()
    await router({"type": "http", "path": path, "method": "GET", "root_path": ""}, receive, send)
    return list(recorder.met)


def _paths(app: Router) -> list[str]:
    found = ["", "/", "/api", "/nowhere", "/api/repos/", "//api/repos"]
    for route in app.routes:
        assert isinstance(route, Route)
        named = re.sub(r"\{[^}]*:path\}", "a/b/c", route.path)
        for filled in (re.sub(r"\{[^}]*\}", "one", named), re.sub(r"\{[^}]*\}", "t.w-o%", named)):
            found += [filled, filled + "/", filled + "/more", filled[:-1], "/x" + filled]
    return found


async def test_router_matches_starlette(app: PlaneRouter) -> None:
    recorder = _Recorder()
    routes = _double(app, recorder)
    ours = PlaneRouter(routes, default=recorder)
    theirs = Router(routes, redirect_slashes=False, default=recorder)
    found = 0
    for path in _paths(app):
        got = await _asked(ours, recorder, path)
        assert got == await _asked(theirs, recorder, path), path
        found += got[0][0] is not None
    assert found > 2 * len(routes)
