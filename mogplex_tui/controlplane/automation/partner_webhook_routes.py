"""Webhooks of Slack, Stripe and the connection broker.

system.md §2.2, §2.3, §2.5.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any
from urllib.parse import parse_qs

from starlette.responses import Response
from starlette.routing import Route

from ..db.clock import SECOND_US
from ..http.endpoints import ApiRequest, MethodHandler, Service, json_response, refusal, route
from ..http.params import NotJsonError, parsed
from ..http.signatures import BODY_LIMIT, SenderEndpoint, body_within, equal_in_constant_time
from ..identity.initial_account import credentials
from .events import slack_events as engine

_STALE_S = 300
_STAMP_DIGITS = 12
_BROKER_LIMIT = 500_000


async def slack(request: ApiRequest) -> Response:
    """Handle a signed Slack delivery: URL verification, mention, or another event.

    The signature is made with the control plane's own webhook secret.
    """
    body = await body_within(request, BODY_LIMIT)
    if body is None:
        raise refusal(413, "Payload too large")
    if not _is_slack(request, body):
        raise refusal(401, "Invalid signature")
    payload = _slack_payload(request, body)
    if payload.get("type") == "url_verification":
        return json_response({"challenge": payload.get("challenge")})
    if payload.get("type") == "event_callback":
        engine.start_for_mention(request.plane, request.service.ids, payload)
    return json_response({"ok": True})


def _is_slack(request: ApiRequest, body: bytes) -> bool:
    headers = request.http.headers
    stamp = headers.get("x-slack-request-timestamp", "")
    if not stamp.isascii() or not stamp.isdecimal() or len(stamp) > _STAMP_DIGITS:
        return False
    if abs(request.plane.clock.now_us() // SECOND_US - int(stamp)) > _STALE_S:
        return False
    secret = credentials(request.plane).webhook_secret
    signed = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256)
    return equal_in_constant_time(headers.get("x-slack-signature", ""), f"v0={signed.hexdigest()}")


def _slack_payload(request: ApiRequest, body: bytes) -> dict[str, Any]:
    """Return the JSON object of a Slack delivery.

    Slack sends interactions as a form whose field `payload` contains the JSON text.
    """
    if "application/x-www-form-urlencoded" in request.http.headers.get("content-type", ""):
        given = parse_qs(body.decode("utf-8", "replace")).get("payload")
        if not given:
            raise refusal(400, "Missing payload")
        body = given[0].encode("utf-8", "replace")
    try:
        payload = parsed(body)
    except NotJsonError:
        raise refusal(400, "Invalid payload") from None
    if not isinstance(payload, dict):
        raise refusal(400, "Invalid payload")
    return payload


async def stripe(_: ApiRequest) -> Response:
    """Refuse every delivery with a 503: the control plane has no billing."""
    raise refusal(503, "Billing is not enabled")


async def broker(request: ApiRequest) -> Response:
    """Refuse every delivery with a 400, because no connection broker is configured.

    The message is that of an invalid signature. Raises 413 for a body that is too large.
    """
    if await body_within(request, _BROKER_LIMIT) is None:
        raise refusal(413, "Payload too large")
    raise refusal(400, "Invalid signature")


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    return [
        route(
            "/api/webhooks/slack",
            SenderEndpoint(service, {"POST": MethodHandler(slack, None, "Dispatch failed")}),
        ),
        route("/api/webhooks/stripe", SenderEndpoint(service, {"POST": MethodHandler(stripe)})),
        route(
            "/api/connections/managed-auth/webhook", SenderEndpoint(service, {"POST": MethodHandler(broker)})
        ),
    ]
