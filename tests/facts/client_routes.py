"""Table of client methods and their routes, from recorded requests."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from mogplex_tui.api import errors
from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.route_access import MCP_ENDPOINT, V1
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from tests.facts.client_calls import CALLS, NO_REQUEST, PARAMETERS, call
from tests.facts.routes import Fact, facts
from tests.streamed_answers import Streamed

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reference" / "client-routes.md"

# The service of the recording: nothing is ever sent there.
_NOWHERE = "http://127.0.0.1:9"
_TOKEN, _COOKIE = "mog_Q2xv9TbYk0LmWc7ReHs4DpZa", "better-auth.session_token=s3ss10nvalue0123456789"

ELSEWHERE = {
    (
        "POST",
        "/api/auth/mcp/token",
    ): "`mogplex_tui.api.oauth`: signing in, and the tokens that renew themselves",
    ("GET", "/api/auth/mcp/authorize"): "`mogplex_tui.api.oauth` makes its address for a browser",
    ("GET", "/api/connections/oauth"): "`client.connections.sign_in_address` makes its address for a browser",
    (
        "GET",
        "/api/connections/managed-auth",
    ): "`client.connections.sign_in_address` makes its address for a browser",
    (
        "GET",
        "/api/integrations/slack/install",
    ): "`client.slack.install_address` makes its address for a browser",
    (
        "GET",
        "/api/v1/mogplex/mcp",
    ): "no method: the endpoint answers 405 to it, for it pushes nothing (mcp.md §1)",
    ("OPTIONS", "/api/v1/mogplex/mcp"): "no method: a browser asks it before a request from another origin",
}
"""What serves a route without a client method, or why nothing does."""

UNDESCRIBED = {
    "POST": "/api/auth/vercel/token /api/control/chat /api/cli/inference/chat/completions "
    "/api/cli/openai/chat/completions",
    "DELETE": "/api/auth/vercel/token",
    "GET": "/api/vercel/targets",
}
"""Routes that the contract lists without describing them, by method."""

_CALLERS = {
    "browser": "no method: only a browser ends up there",
    "machine": "no method: called by webhooks, schedulers and workers (system.md)",
}


@dataclass(frozen=True)
class Sent:
    """One request as it left the client; parameters of the path are unnamed."""

    method: str
    path: str
    query: str

    @property
    def key(self) -> tuple[str, str]:
        """Method and path."""
        return self.method, self.path


class Recorder(httpx.AsyncBaseTransport):
    """A transport that records requests and answers each with one JSON value.

    On v1 the value is in an envelope.
    """

    def __init__(self, answer: str = '"text"', *, enveloped: bool = True) -> None:
        self.answer = answer
        self.enveloped = enveloped
        self.sent: list[Sent] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Note the request and give the answer."""
        path = request.url.path
        for value in PARAMETERS:
            path = path.replace(value, "{}")
        self.sent.append(Sent(request.method, path, request.url.query.decode()))
        on_v1 = path.startswith(V1 + "/") and path != MCP_ENDPOINT
        text = f'{{"ok":true,"data":{self.answer}}}' if on_v1 and self.enveloped else self.answer
        return httpx.Response(200, text=text, headers={"Content-Type": "application/json"})


def client_of(transport: httpx.AsyncBaseTransport) -> MogplexClient:
    """A client with both credentials whose requests this transport answers."""
    return MogplexClient(Target("t", _NOWHERE, Secret(_TOKEN), Secret(_COOKIE)), http=Streamed(transport))


async def _record() -> dict[str, list[Sent]]:
    found = {}
    for name in CALLS:
        recorder = Recorder()
        async with client_of(recorder) as client:
            with suppress(errors.InvalidResponse):
                await call(client, name)
        found[name] = recorder.sent
    return found


def recorded() -> dict[str, list[Sent]]:
    """Return the requests that each method of the list sends, by `family.method`.

    No event loop may run.
    """
    return asyncio.run(_record())


def methods_by_route(sent: dict[str, list[Sent]]) -> dict[tuple[str, str], list[str]]:
    """Return the methods whose first request goes to a route, by route."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, requests in sent.items():
        if requests:
            found[requests[0].key].append(name)
    return found


def asked_by(fact: Fact, routes: dict[tuple[str, str], list[str]]) -> str:
    """Return the last column of a route: its methods, or why it has none."""
    if names := routes.get(fact.key):
        return ", ".join(f"`client.{name}`" for name in names)
    return ELSEWHERE.get(fact.key) or _CALLERS.get(fact.caller, "nothing, and nobody says why")


_HEAD = """\
# Routes and the methods of the client

Made by `make docs` from the requests that the methods of `mogplex_tui.api.client.MogplexClient` send; a test fails when
it is not current. One row for each method of each route of the contract.
"""


def document() -> str:
    """The Markdown text of the table. Needs that no event loop runs."""
    routes = methods_by_route(recorded())
    wanted = facts()
    operators = [fact for fact in wanted if fact.caller == "operator"]
    reached = [fact for fact in operators if fact.key in routes]
    parts = [
        _HEAD,
        f"{len(CALLS)} methods. {len(reached)} of the {len(operators)} that an operator may call have one; the others"
        " say what serves them instead.\n",
    ]
    families: dict[str, list[Fact]] = {}
    for fact in wanted:
        families.setdefault(fact.section.partition("§")[0], []).append(fact)
    for family, members in families.items():
        lines = [f"## {family}\n", "| method | path | contract | asked by |", "| --- | --- | --- | --- |"]
        lines += [
            f"| {fact.method} | `{fact.path}` | {fact.section.replace('§', ' §')} | {asked_by(fact, routes)} |"
            for fact in members
        ]
        parts.append("\n".join(lines) + "\n")
    lines = ["## Named in a list, described nowhere\n", "| method | path | asked by |", "| --- | --- | --- |"]
    lines += [
        f"| {method} | `{path}` | no method: the contract does not say what it takes or answers |"
        for method, paths in UNDESCRIBED.items()
        for path in paths.split()
    ]
    parts.append("\n".join(lines) + "\n")
    without = [f"- `client.{name}`: {why}" for name, why in NO_REQUEST.items()]
    parts.append("## Methods that send no request\n\n" + "\n".join(without) + "\n")
    return "\n".join(parts)
