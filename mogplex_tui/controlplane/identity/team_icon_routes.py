"""Upload, remove and serve team icons (identity.md §1.3 and §8)."""

from __future__ import annotations

import hashlib

from starlette.responses import Response
from starlette.routing import BaseRoute

from ..db.database import Tx
from ..http.endpoints import (
    ApiRequest,
    MethodHandler,
    OpenEndpoint,
    PlainEndpoint,
    RefusedError,
    Service,
    json_response,
    refusal,
    route,
)
from ..http.multipart import uploaded
from .team_access import TeamMembership, require_manager

MAX_BYTES = 2 * 1024 * 1024

_PUBLIC = "/storage/v1/object/public/"

# How a picture file begins, by its type.
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def image_type(body: bytes) -> str | None:
    """Return the media type of a PNG, JPEG, GIF or WEBP image, or None.

    The type is taken from the first bytes; None means that they are of another format.
    """
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _SIGNATURES if body.startswith(start)), None)


def icon_url(service: Service, path: str | None) -> str | None:
    """Return the absolute URL of a team's icon, or None if the team has no icon."""
    return None if path is None else service.origin + _PUBLIC + path


def _replace(tx: Tx, here: TeamMembership, path: str | None) -> None:
    """Set the path of the team's icon, and delete the previous icon's file.

    `path` is None to remove the icon.
    """
    if here.team["icon_path"] not in (None, path):
        tx.execute("DELETE FROM public_files WHERE path = ?", (here.team["icon_path"],))
    tx.update("teams", here.team_id, icon_path=path, updated_at=here.now)


async def upload_icon(request: ApiRequest) -> Response:
    """Store the uploaded image as the team's icon."""
    here = require_manager(request)
    body = await uploaded(request, "file", MAX_BYTES)
    kind = image_type(body)
    if kind is None:
        raise refusal(415, "The file is no PNG, JPEG, GIF or WEBP picture")
    name = hashlib.sha256(body).hexdigest()[:16]
    path = f"team-icons/{here.team_id}/{name}.{kind.rpartition('/')[2]}"
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        tx.execute(
            "INSERT OR REPLACE INTO public_files (path, content_type, body, created_at) VALUES (?, ?, ?, ?)",
            (path, kind, body, here.now),
        )
        _replace(tx, here, path)
        here.note(tx, "team.icon.updated", payload={"content_type": kind, "bytes": len(body)})
    return json_response({"icon_url": icon_url(request.service, path)})


async def remove_icon(request: ApiRequest) -> Response:
    """Remove the team's icon."""
    here = require_manager(request)
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        _replace(tx, here, None)
        here.note(tx, "team.icon.removed")
    return json_response({"icon_url": None})


async def read_file(request: ApiRequest) -> Response:
    """Return a public file. Raises an empty 404 for an unknown path.

    The response may be cached: the name of a file changes with its content.
    """
    path = request.http.path_params["path"]
    row = request.plane.db.one("SELECT content_type, body FROM public_files WHERE path = ?", (path,))
    if row is None:
        raise RefusedError(Response(status_code=404))
    headers = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}
    return Response(row["body"], media_type=row["content_type"], headers=headers)


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module."""
    handlers = {"POST": MethodHandler(upload_icon), "DELETE": MethodHandler(remove_icon)}
    return [
        route("/api/teams/{team_id}/icon", PlainEndpoint(service, handlers)),
        route(_PUBLIC + "{path:path}", OpenEndpoint(service, {"GET": MethodHandler(read_file)})),
    ]
