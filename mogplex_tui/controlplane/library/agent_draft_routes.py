"""POST /api/agents/generate: stream the draft of an agent (library.md §2)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from ..http import params
from ..http.endpoints import ApiRequest, MethodHandler, PlainEndpoint, Service, refusal, route
from ..identity import model_catalogue
from ..identity.active_team import active_team
from . import request_fields
from .agent_drafts import draft

_LONGEST = 2_000
_PIECE = 48
_PIECE_SECONDS = 0.02


def _description(value: Any) -> str:
    """Return the description of the wanted agent from the body.

    Raises RefusedError 400 if it is missing, blank or too long.
    """
    if not isinstance(value, str) or not params.trim(value):
        raise refusal(400, "description is required")
    if request_fields.length(value) > _LONGEST:
        raise refusal(400, "Description too long (max 2000)")
    return value


def _check_model(request: ApiRequest, wanted: Any) -> None:
    """Check that the caller can use the model that writes the draft.

    If the body names no model, the static default is checked, or the first usable model if the
    static default is not among the usable ones. Raises RefusedError: 400 if the named model is not
    enabled, 403 if the caller has no access to the model.
    """
    db = request.plane.db
    profile = db.only("SELECT * FROM profiles WHERE id = ?", (request.user_id,))
    ids = [row["id"] for row in sorted(model_catalogue.usable(db, profile), key=_order)]
    if wanted not in (None, ""):
        if wanted not in ids:
            raise refusal(400, "generatorModel must be enabled and available")
        model = wanted
    elif model_catalogue.STATIC_DEFAULT in ids or not ids:
        model = model_catalogue.STATIC_DEFAULT
    else:
        model = ids[0]
    if model not in ids or not model_catalogue.reach(db, profile, active_team(request)).covers(model):
        raise refusal(403, f"The model {model} cannot be used here.")


def _order(row: Any) -> tuple[str, str, str]:
    return row["provider"] or "", row["name"] or "", row["id"]


async def _pieces(text: str, speed: float) -> AsyncIterator[str]:
    """Yield a text in pieces, with pauses between them as if a model wrote it.

    There are no pauses if `speed` is 0.
    """
    for start in range(0, len(text), _PIECE):
        if start and speed > 0:
            await asyncio.sleep(_PIECE_SECONDS / speed)
        yield text[start : start + _PIECE]


async def generate(request: ApiRequest) -> Response:
    """Stream the draft of an agent: name, description, category and system_prompt.

    The text is one JSON object. Nothing is stored.
    """
    body = await request_fields.strict_body(request)
    description = _description(body.get("description"))
    _check_model(request, body.get("generatorModel"))
    text = json.dumps(draft(description, body.get("existingAgent")), ensure_ascii=False)
    return StreamingResponse(_pieces(text, request.plane.settings.speed), media_type="text/plain")


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    return [route("/api/agents/generate", PlainEndpoint(service, {"POST": MethodHandler(generate)}))]
