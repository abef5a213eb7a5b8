"""The plane has every route of the contract, and a reason for any other."""

from __future__ import annotations

import pytest
from starlette.routing import Route, Router

from mogplex_tui.controlplane.route_listing import entries, unserved_router
from tests.facts.routes import EXTRA, facts, served, unnamed
from tests.facts.write import DOCUMENT, document


@pytest.fixture(scope="module")
def app() -> Router:
    return unserved_router()


def test_contract_routes_are_served(app: Router) -> None:
    missing = {fact.key for fact in facts()} - served(app.routes)
    assert not sorted(missing)


def test_contract_routes_are_unique() -> None:
    keys = [fact.key for fact in facts()]
    assert len(keys) == len(set(keys))


def test_routes_outside_contract_have_reason(app: Router) -> None:
    known = {fact.key for fact in facts()}
    more = {path for method, path in served(app.routes) if (method, path) not in known}
    assert more == set(EXTRA)


def test_no_route_is_shadowed(app: Router) -> None:
    met: list[Route] = []
    for route in app.routes:
        assert isinstance(route, Route), route
        for earlier in met:
            assert not earlier.path_regex.match(route.path), f"{route.path} is answered by {earlier.path}"
        met.append(route)


def test_each_route_is_endpoint_with_methods(app: Router) -> None:
    assert {(entry.method, unnamed(entry.path)) for entry in entries(app.routes)} == served(app.routes)


def test_route_document_is_current() -> None:
    assert DOCUMENT.read_text() == document(), "run `make docs`"
