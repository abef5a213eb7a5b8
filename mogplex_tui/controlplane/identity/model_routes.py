"""/api/models: list the models, and enable or disable one (identity.md §6)."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from ..http import params
from ..http.endpoints import (
    ApiRequest,
    MethodHandler,
    OpenEndpoint,
    Service,
    empty_500,
    json_response,
    refusal,
    route,
)
from . import model_catalogue
from .active_team import active_team

_CATALOGUE_KEYS = (
    "provider",
    "name",
    "context_length",
    "capabilities",
    "is_available",
    "is_hidden",
    "pricing_input",
    "pricing_output",
)


async def list_models(request: ApiRequest) -> Response:
    """Return the caller's models, the whole catalogue and the default model.

    With `format=cli` the response is a list of the caller's available models in the CLI's format.
    Without credentials the models are the public ones. A caller who is not a member of the active
    team gets no models (identity.md §1.5, §6.2, §6.3).
    """
    db = request.plane.db
    profile = db.one("SELECT * FROM profiles WHERE id = ?", (request.user_id,))
    cli = request.query("format") == "cli"
    if profile is None:
        rows = model_catalogue.anonymous(db)
        if cli:
            return json_response([model_catalogue.cli_model(row) for row in rows])
        public = [model_catalogue.model(row, signed_in=False) for row in rows]
        return json_response({"models": public, "catalog": public})
    team = active_team(request)
    if cli:
        return json_response(
            [model_catalogue.cli_model(row) for row in model_catalogue.offered_now(db, profile, team)]
        )
    return json_response(
        {
            "models": [
                model_catalogue.model(row, signed_in=True)
                for row in model_catalogue.offered(db, profile, team)
            ],
            "catalog": [
                model_catalogue.model(row, signed_in=True) for row in model_catalogue.everything(db, profile)
            ],
            "default_model": model_catalogue.models_default(db, profile, team),
        }
    )


async def patch_model(request: ApiRequest) -> Response:
    """Enable or disable one model for the caller (§6.4)."""
    if request.caller is None:
        raise refusal(401, "Unauthorized")
    try:
        parsed = await params.json_body(request)
    except params.NotJsonError:
        raise refusal(400, "Invalid JSON body") from None
    if parsed is None:
        raise empty_500()
    body = parsed if isinstance(parsed, dict) else {}
    model_id, enabled = body.get("model_id"), body.get("is_enabled")
    if not isinstance(model_id, str) or not model_id or not isinstance(enabled, bool):
        raise refusal(400, "model_id and is_enabled required")
    if any(key in body for key in _CATALOGUE_KEYS):
        raise refusal(400, "The model catalogue cannot be changed here")
    db = request.plane.db
    if db.one("SELECT 1 FROM models WHERE id = ?", (model_id,)) is None:
        raise refusal(500, f"No model has the id {model_id}")
    with db.transaction() as tx:
        tx.execute(
            "INSERT INTO model_preferences (user_id, model_id, is_enabled) VALUES (?, ?, ?)"
            " ON CONFLICT (user_id, model_id) DO UPDATE SET is_enabled = excluded.is_enabled",
            (request.user_id, model_id, int(enabled)),
        )
    return json_response({"ok": True})


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    handlers = {"GET": MethodHandler(list_models), "PATCH": MethodHandler(patch_model)}
    return [route("/api/models", OpenEndpoint(service, handlers))]
