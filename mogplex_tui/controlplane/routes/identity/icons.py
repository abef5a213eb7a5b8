"""Pictures of teams and where anybody may fetch them (identity.md §1.3 and §8)."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import BaseRoute

from ..web import Ask, OpenEndpoint, RefusedError, Service, Verb, route

_PUBLIC = "/storage/v1/object/public/"

# How a picture file begins, by its type.
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def image_type(body: bytes) -> str | None:
    """The media type of a PNG, JPEG, GIF or WEBP by its first bytes; None for anything else."""
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _SIGNATURES if body.startswith(start)), None)


def icon_url(service: Service, path: str | None) -> str | None:
    """The absolute address of a stored picture, or None without one."""
    return None if path is None else service.origin + _PUBLIC + path


async def read_file(ask: Ask) -> Response:
    """A public file, under a name that changes with its content; 404 without body for any other path."""
    path = ask.request.path_params["path"]
    row = ask.plane.db.one("SELECT content_type, body FROM public_files WHERE path = ?", (path,))
    if row is None:
        raise RefusedError(Response(status_code=404))
    headers = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}
    return Response(row["body"], media_type=row["content_type"], headers=headers)


def routes(service: Service) -> list[BaseRoute]:
    """The routes of this module."""
    return [route(_PUBLIC + "{path:path}", OpenEndpoint(service, {"GET": Verb(read_file)}))]
