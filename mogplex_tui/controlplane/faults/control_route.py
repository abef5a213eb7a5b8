"""The route /__plane/faults, which changes the fault rules while the plane runs.

The route exists only if the settings enable it, and only for requests from this machine.
"""

from __future__ import annotations

import json
from ipaddress import ip_address
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from .injector import ActiveRule, Faults
from .rules import BadRuleError, Rule, parse

PATH = "/__plane/faults"


class FaultSwitch:
    """ASGI middleware that answers requests to PATH and passes all others on.

    GET lists the rules as `{"faults": [{"id", "rule", "fired", "left"}]}`. POST with
    `{"rule": "…"}` or `{"rules": […]}` adds rules and returns them in the same form with 201; if
    a rule is invalid, none is added and the response is 400 `{"error"}`. DELETE removes the rule
    `?id=N`, or all rules without a query, and returns the remaining rules with 200; an unknown
    id is 404.
    """

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app, self._faults = app, faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request.

        Requests from other machines or from web pages are passed on, as if the route did not exist.
        """
        if scope["type"] != "http" or scope["path"] != PATH or not _from_here(Request(scope)):
            await self._app(scope, receive, send)
            return
        try:
            response = await self._answer(Request(scope, receive))
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method == "GET":
            return _listed(self._faults.active)
        if request.method == "POST":
            try:
                rules = _rules(await request.body())
            except BadRuleError as error:
                return JSONResponse({"error": str(error)}, 400)
            return _listed([self._faults.add(rule) for rule in rules], 201)
        if request.method == "DELETE":
            rule_id = request.query_params.get("id")
            if rule_id is None:
                self._faults.clear()
            elif not rule_id.isascii() or not rule_id.isdigit() or not self._faults.remove(int(rule_id)):
                return JSONResponse({"error": "No such fault"}, 404)
            return _listed(self._faults.active)
        return Response(status_code=405)


def _from_here(request: Request) -> bool:
    """Return whether a request comes from this machine and not from a web page."""
    try:
        near = request.client is not None and ip_address(request.client.host).is_loopback
    except ValueError:
        near = False
    named = request.url.hostname in ("localhost", "127.0.0.1", "::1")
    return near and named and "origin" not in request.headers


def _rules(body: bytes) -> list[Rule]:
    try:
        said: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRuleError("the body is not JSON") from None
    texts = None
    if isinstance(said, dict):
        texts = said.get("rules", [said["rule"]] if "rule" in said else None)
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise BadRuleError('the body must be {"rule": "…"} or {"rules": ["…"]}')
    return [parse(text) for text in texts]


def _listed(active: list[ActiveRule], status: int = 200) -> Response:
    found = [
        {"id": one.number, "rule": one.rule.text, "fired": one.fired, "left": one.left} for one in active
    ]
    return JSONResponse({"faults": found}, status)
