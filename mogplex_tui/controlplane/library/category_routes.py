"""/api/agent-categories: categories that an account has created (library.md §4)."""

from __future__ import annotations

import re
import unicodedata

from starlette.responses import Response
from starlette.routing import Route

from ..db.row_json import timed
from ..http import params
from ..http.endpoints import ApiRequest, MethodHandler, PlainEndpoint, Service, json_response, refusal, route
from . import agent_writes as writes
from . import preset_agents, request_fields

_COLUMNS = "id, slug, label, created_at"
_LONGEST = 40
_MOST = 50
_LAST_SUFFIX = 20
_OTHER = re.compile(r"[^a-z0-9]+")


async def list_categories(request: ApiRequest) -> Response:
    """Return the caller's categories, sorted by label."""
    rows = request.plane.db.all(
        f"SELECT {_COLUMNS} FROM agent_categories WHERE user_id = ? ORDER BY label", (request.user_id,)
    )
    return json_response([timed(row, "created_at") for row in rows])


def _label(value: object) -> str:
    """Return the label of a category as it is stored, with single spaces.

    Raises RefusedError 400 if it is missing or too long.
    """
    label = " ".join(value.split()) if isinstance(value, str) else ""
    if not label:
        raise refusal(400, "Category name is required")
    if request_fields.length(label) > _LONGEST:
        raise refusal(400, "Category name must be 40 characters or less")
    return label


def _slug(label: str) -> str:
    """Return the slug made from a label.

    Raises RefusedError 400 if the label contains no letter or digit that is allowed in a slug.
    """
    plain = "".join(part for part in unicodedata.normalize("NFKD", label) if not unicodedata.combining(part))
    slug = _OTHER.sub("-", plain.lower()).strip("-")[:_LONGEST].rstrip("-")
    if not slug:
        raise refusal(400, "Category name must include letters or numbers")
    return slug


def _free_slug(request: ApiRequest, wanted: str) -> str:
    """Return a slug that is not in use: `wanted`, or `wanted` with a number appended.

    Slugs of the caller's categories and of built-in ones are in use. Raises RefusedError: 400 if
    the caller has 50 categories, 409 if the slug is in use with all numbers up to 20.
    """
    rows = request.plane.db.all("SELECT slug FROM agent_categories WHERE user_id = ?", (request.user_id,))
    if len(rows) >= _MOST:
        raise refusal(400, "You can have at most 50 categories")
    taken = {row["slug"] for row in rows} | preset_agents.CATEGORIES.keys()
    endings = ["", *(f"-{number}" for number in range(2, _LAST_SUFFIX + 1))]
    for ending in endings:
        slug = wanted[: _LONGEST - len(ending)] + ending
        if slug not in taken:
            return slug
    raise refusal(409, "Could not generate a unique category slug")


async def create_category(request: ApiRequest) -> Response:
    """Create a category and return it; its slug is made from the label."""
    label = _label((await request_fields.lenient_body(request)).get("label"))
    slug = _free_slug(request, _slug(label))
    row_id = request.service.ids.uuid()
    with request.plane.db.transaction() as tx:
        tx.insert(
            "agent_categories",
            id=row_id,
            user_id=request.user_id,
            slug=slug,
            label=label,
            created_at=request.plane.clock.now_us(),
        )
    row = request.plane.db.only(f"SELECT {_COLUMNS} FROM agent_categories WHERE id = ?", (row_id,))
    return json_response(timed(row, "created_at"))


async def delete_category(request: ApiRequest) -> Response:
    """Delete a category and return how many agents had it.

    Raises 400 for an invalid id and 404 for an unknown one (library.md §4).
    """
    category_id = request.query("id")
    if not category_id:
        raise refusal(400, "Missing id")
    if not params.is_uuid(category_id):
        raise refusal(400, "Invalid id")
    with request.plane.db.transaction() as tx:
        cleared = writes.delete_category(tx, category_id.lower(), request.user_id)
    if cleared is None:
        raise refusal(404, "Category not found")
    return json_response({"ok": True, "cleared": cleared})


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    handlers = {
        "GET": MethodHandler(list_categories),
        "POST": MethodHandler(create_category),
        "DELETE": MethodHandler(delete_category),
    }
    return [route("/api/agent-categories", PlainEndpoint(service, handlers))]
