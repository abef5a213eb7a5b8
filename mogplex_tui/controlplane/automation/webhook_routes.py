"""/api/webhooks: deliveries from GitHub, and deliveries for single flows.

system.md §2.1, §2.4; routing.md §3.12.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from ..http.endpoints import ApiRequest, MethodHandler, Service, empty_500, json_response, refusal, route
from ..http.params import NotJsonError, is_uuid, parsed
from ..http.signatures import (
    BODY_LIMIT,
    SenderEndpoint,
    body_within,
    equal_in_constant_time,
    sha256_signature,
)
from ..identity.initial_account import credentials
from .events import named_flow_start
from .events.github_delivery import Delivery, deliver
from .events.matching import start_data

_DELIVERY_LIMIT = 200


async def github(request: ApiRequest) -> Response:
    """Handle a signed GitHub delivery (system.md §2.1).

    Stored installations and repositories are updated first; then waiting job runs are resumed; then
    new job runs are queued and started.
    """
    body = await request.http.body()
    secret = credentials(request.plane).webhook_secret
    headers = request.http.headers
    if not equal_in_constant_time(headers.get("x-hub-signature-256", ""), sha256_signature(secret, body)):
        raise refusal(401, "Invalid signature")
    payload = _parsed(body)
    if payload is None:
        raise refusal(400, "Invalid payload")
    key = headers.get("x-github-delivery") or hashlib.sha256(body).hexdigest()
    delivery = Delivery(headers.get("x-github-event", ""), key, payload)
    return json_response(deliver(request.plane, request.service.ids, delivery))


def _parsed(body: bytes) -> dict[str, Any] | None:
    try:
        value = parsed(body)
    except NotJsonError:
        return None
    return value if isinstance(value, dict) else None


async def flow_webhook(request: ApiRequest) -> Response:
    """Start a flow for a signed delivery to the flow's own webhook.

    The checks are made in the order of system.md §2.4.
    """
    delivery = request.http.headers.get("x-mogplex-delivery", "")
    if not delivery.strip() or len(delivery) > _DELIVERY_LIMIT:
        raise refusal(400, "Missing or invalid x-mogplex-delivery")
    body = await body_within(request, BODY_LIMIT)
    if body is None:
        raise refusal(413, "Payload too large")
    flow_id = request.path_id("flow_id")
    if not is_uuid(flow_id):
        raise empty_500()
    secret = request.plane.db.value("SELECT webhook_secret FROM flows WHERE id = ?", (flow_id,))
    if not secret:
        raise refusal(404, "Webhook is not configured")
    if not equal_in_constant_time(
        request.http.headers.get("x-mogplex-signature", ""), sha256_signature(secret, body)
    ):
        raise refusal(401, "Invalid signature")
    payload = _object(body)
    flow = named_flow_start.active_flow(request.plane, flow_id)
    if flow is None or start_data(json.loads(flow["graph"])).get("event") != "webhook":
        raise refusal(404, "Active webhook workflow not found")
    key = f"flow-webhook:{flow_id}:{delivery}"
    fired = named_flow_start.start_flow(
        request.plane, request.service.ids, flow, key=key, payload=payload, source="webhook"
    )
    return json_response(fired.body(), 202 if fired.outcome == "queued" else 200)


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = parsed(body)
    except NotJsonError:
        raise refusal(400, "Payload must be valid JSON") from None
    if not isinstance(value, dict):
        raise refusal(400, "Payload must be a JSON object")
    return value


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    return [
        route(
            "/api/webhooks/github",
            SenderEndpoint(service, {"POST": MethodHandler(github, None, "Failed to load flows")}),
        ),
        route(
            "/api/webhooks/flows/{flow_id}", SenderEndpoint(service, {"POST": MethodHandler(flow_webhook)})
        ),
    ]
