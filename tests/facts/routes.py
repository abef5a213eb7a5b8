"""The routes of the contract (routes.txt) and those of a Starlette router."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from starlette.routing import BaseRoute, Route

_FACTS = Path(__file__).with_name("routes.txt")

# What the plane serves although no route list of the contract has it, by unnamed path, and why.
EXTRA = {
    "/api/auth/error": "where the authorization server sends what it cannot send back to a client (auth.md §8)",
    "/api/auth/mcp/jwks": "advertised by the discovery document, and answered with an empty 404 (auth.md §8)",
    "/api/auth/mcp/userinfo": "advertised by the discovery document, and answered with an empty 404 (auth.md §8)",
    "/api/auth/vercel/token": "named in one list and described nowhere: nobody is connected (errors.md §2, E2)",
    "/login": "where a browser without a session is sent, so that it can come back with one (auth.md §3)",
    "/storage/v1/object/public/{}": "what the addresses of uploaded team icons point at (identity.md §8)",
}


class Fact(NamedTuple):
    """One method of a route: its caller and its section of the contract.

    The caller is operator, browser or machine.
    """

    method: str
    path: str
    caller: str
    section: str

    @property
    def key(self) -> tuple[str, str]:
        """Method and path with every parameter unnamed."""
        return self.method, unnamed(self.path)


def unnamed(path: str) -> str:
    """The path with every parameter as `{}`."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def facts() -> list[Fact]:
    """Every method of every route of the contract, in the contract's order."""
    found = []
    for line in _FACTS.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            methods, path, caller, section = line.split()
            found += [Fact(method, path, caller, section) for method in methods.split(",")]
    return found


def served(routes: Iterable[BaseRoute]) -> set[tuple[str, str]]:
    """Method and unnamed path of everything that a router answers."""
    found = set()
    for route in routes:
        if isinstance(route, Route):
            verbs = getattr(route.endpoint, "methods", None) or route.methods or ()
            found |= {(verb, unnamed(route.path)) for verb in verbs}
    return found
