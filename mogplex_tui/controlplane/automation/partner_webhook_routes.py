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
from ..http.endpoints import Ask, Service, Verb, answer, refusal, route
from ..http.params import NotJsonError, parsed
from ..http.signatures import BODY_LIMIT, SenderEndpoint, body_within, same
from ..identity.initial_account import credentials
from .events import slack_events as engine

_STALE_S = 300
_STAMP_DIGITS = 12
_BROKER_LIMIT = 500_000


async def slack(ask: Ask) -> Response:
    """Handle a signed Slack delivery: handshake, mention, or another event.

    The signature is made with the control plane's own webhook secret.
    """
    body = await body_within(ask, BODY_LIMIT)
    if body is None:
        raise refusal(413, "Payload too large")
    if not _is_slack(ask, body):
        raise refusal(401, "Invalid signature")
    payload = _slack_payload(ask, body)
    if payload.get("type") == "url_verification":
        return answer({"challenge": payload.get("challenge")})
    if payload.get("type") == "event_callback":
        engine.mentioned(ask.plane, ask.service.ids, payload)
    return answer({"ok": True})


def _is_slack(ask: Ask, body: bytes) -> bool:
    headers = ask.request.headers
    stamp = headers.get("x-slack-request-timestamp", "")
    if not stamp.isascii() or not stamp.isdecimal() or len(stamp) > _STAMP_DIGITS:
        return False
    if abs(ask.plane.clock.now_us() // SECOND_US - int(stamp)) > _STALE_S:
        return False
    secret = credentials(ask.plane).webhook_secret
    signed = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256)
    return same(headers.get("x-slack-signature", ""), f"v0={signed.hexdigest()}")


def _slack_payload(ask: Ask, body: bytes) -> dict[str, Any]:
    """Return the JSON object of a Slack delivery.

    Slack sends interactions as a form whose field `payload` contains the JSON text.
    """
    if "application/x-www-form-urlencoded" in ask.request.headers.get("content-type", ""):
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


async def stripe(_: Ask) -> Response:
    """Refuse every delivery with a 503: the control plane has no billing."""
    raise refusal(503, "Billing is not enabled")


async def broker(ask: Ask) -> Response:
    """Refuse every delivery with a 400, because no connection broker is configured.

    The message is that of an invalid signature. Raises 413 for a body that is too large.
    """
    if await body_within(ask, _BROKER_LIMIT) is None:
        raise refusal(413, "Payload too large")
    raise refusal(400, "Invalid signature")


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    return [
        route("/api/webhooks/slack", SenderEndpoint(service, {"POST": Verb(slack, None, "Dispatch failed")})),
        route("/api/webhooks/stripe", SenderEndpoint(service, {"POST": Verb(stripe)})),
        route("/api/connections/managed-auth/webhook", SenderEndpoint(service, {"POST": Verb(broker)})),
    ]
