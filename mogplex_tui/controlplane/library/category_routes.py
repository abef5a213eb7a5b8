"""/api/agent-categories: the account's own categories (library.md §4)."""

from __future__ import annotations

import re
import unicodedata

from starlette.responses import Response
from starlette.routing import Route

from ..db.row_json import timed
from ..http import params
from ..http.endpoints import Ask, PlainEndpoint, Service, Verb, answer, refusal, route
from . import agent_writes as writes
from . import preset_agents, request_fields

_COLUMNS = "id, slug, label, created_at"
_LONGEST = 40
_MOST = 50
_LAST_SUFFIX = 20
_OTHER = re.compile(r"[^a-z0-9]+")


async def list_categories(ask: Ask) -> Response:
    """The caller's own categories by label."""
    rows = ask.plane.db.all(
        f"SELECT {_COLUMNS} FROM agent_categories WHERE user_id = ? ORDER BY label", (ask.user_id,)
    )
    return answer([timed(row, "created_at") for row in rows])


def _label(value: object) -> str:
    """The label as it is stored; raises 400 for none and for one that is too long."""
    label = " ".join(value.split()) if isinstance(value, str) else ""
    if not label:
        raise refusal(400, "Category name is required")
    if request_fields.length(label) > _LONGEST:
        raise refusal(400, "Category name must be 40 characters or less")
    return label


def _slug(label: str) -> str:
    """The slug that a label asks for; raises 400 when nothing of it can be used."""
    plain = "".join(part for part in unicodedata.normalize("NFKD", label) if not unicodedata.combining(part))
    slug = _OTHER.sub("-", plain.lower()).strip("-")[:_LONGEST].rstrip("-")
    if not slug:
        raise refusal(400, "Category name must include letters or numbers")
    return slug


def _free_slug(ask: Ask, wanted: str) -> str:
    """Return a free slug, numbered if necessary. Raises 400 at 50 categories, or 409."""
    rows = ask.plane.db.all("SELECT slug FROM agent_categories WHERE user_id = ?", (ask.user_id,))
    if len(rows) >= _MOST:
        raise refusal(400, "You can have at most 50 categories")
    taken = {row["slug"] for row in rows} | preset_agents.CATEGORIES.keys()
    endings = ["", *(f"-{number}" for number in range(2, _LAST_SUFFIX + 1))]
    for ending in endings:
        slug = wanted[: _LONGEST - len(ending)] + ending
        if slug not in taken:
            return slug
    raise refusal(409, "Could not generate a unique category slug")


async def create_category(ask: Ask) -> Response:
    """Add one category; its slug follows from the label."""
    label = _label((await request_fields.lenient_body(ask)).get("label"))
    slug = _free_slug(ask, _slug(label))
    row_id = ask.service.ids.uuid()
    with ask.plane.db.transaction() as tx:
        tx.insert(
            "agent_categories",
            id=row_id,
            user_id=ask.user_id,
            slug=slug,
            label=label,
            created_at=ask.plane.clock.now_us(),
        )
    row = ask.plane.db.only(f"SELECT {_COLUMNS} FROM agent_categories WHERE id = ?", (row_id,))
    return answer(timed(row, "created_at"))


async def delete_category(ask: Ask) -> Response:
    """Delete one category; return how many agents had it. Raises 400 and 404.

    library.md §4.
    """
    category_id = ask.query("id")
    if not category_id:
        raise refusal(400, "Missing id")
    if not params.is_uuid(category_id):
        raise refusal(400, "Invalid id")
    with ask.plane.db.transaction() as tx:
        cleared = writes.delete_category(tx, category_id.lower(), ask.user_id)
    if cleared is None:
        raise refusal(404, "Category not found")
    return answer({"ok": True, "cleared": cleared})


def routes(service: Service) -> list[Route]:
    """The route of categories."""
    verbs = {"GET": Verb(list_categories), "POST": Verb(create_category), "DELETE": Verb(delete_category)}
    return [route("/api/agent-categories", PlainEndpoint(service, verbs))]
