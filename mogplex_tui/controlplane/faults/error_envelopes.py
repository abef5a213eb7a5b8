"""Error responses in the JSON format that the requested path uses.

errors.md §1, §2.
"""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, quote, urlencode

from starlette.responses import HTMLResponse, Response

V1 = "/api/v1/mogplex"

PAGE = (
    "<!DOCTYPE html><html><head><title>Something went wrong</title></head>"
    "<body><h1>Something went wrong</h1><p>Please try again in a moment.</p></body></html>"
)
_CODES = {
    401: ("UNAUTHORIZED", "Unauthorized"),
    403: ("FORBIDDEN", "Forbidden"),
    404: ("NOT_FOUND", "Not found"),
    409: ("CONFLICT", "Conflict"),
    429: ("RATE_LIMITED", "Rate limit exceeded. Retry after 60s."),
    500: ("INTERNAL_ERROR", "Internal server error"),
    503: ("SERVICE_UNAVAILABLE", "Service unavailable"),
}


def is_v1(path: str) -> bool:
    """Return whether a path belongs to the v1 API."""
    return path == V1 or path.startswith(V1 + "/")


def message(status: int) -> str:
    """Return the service's usual error message for a status."""
    return _coded(status)[1]


def _coded(status: int) -> tuple[str, str]:
    fallback = (
        ("INTERNAL_ERROR", "Internal server error") if status >= 500 else ("BAD_REQUEST", "Bad request")
    )
    return _CODES.get(status, fallback)


def refused(path: str, status: int, origin: str, retry_after: float | None = None) -> Response:
    """Return an error response with the usual code and message of a status.

    A v1 response with status 401 has a WWW-Authenticate header (auth.md §5.2). `retry_after` is
    the value of the Retry-After header in seconds.
    """
    code, text = _coded(status)
    headers = {} if retry_after is None else {"Retry-After": str(int(retry_after))}
    if status == 429 and retry_after is not None:
        # Message and header name the same time.
        text = text.replace("60s", f"{int(retry_after)}s")
    if not is_v1(path):
        return _json({"error": text}, status, headers)
    if status == 401:
        metadata = f"{origin}/.well-known/oauth-protected-resource/api/v1/mogplex/mcp"
        headers["WWW-Authenticate"] = f'Bearer resource_metadata="{metadata}"'
    return _json({"ok": False, "error": {"code": code, "message": text}}, status, headers)


def worded(path: str, status: int, code: str, text: str) -> Response:
    """Return an error response with the given message.

    Only responses of the v1 API contain the code.
    """
    if is_v1(path):
        return _json({"ok": False, "error": {"code": code, "message": text}}, status)
    return _json({"error": text}, status)


def _json(value: object, status: int, headers: dict[str, str] | None = None) -> Response:
    body = json.dumps(value, separators=(",", ":")).encode()
    return Response(body, status, headers, media_type="application/json")


def database_down(path: str, origin: str) -> Response:
    """Return the response of a service whose database cannot check credentials.

    It is a 401, or `{"user": null}` from /api/auth/user (auth.md §5.1).
    """
    if path == "/api/auth/user":
        return _json({"user": None}, 200)
    return refused(path, 401, origin)


def page(status: int) -> Response:
    """Return an HTML error page with the given status."""
    return HTMLResponse(PAGE, status)


def login(path: str, query: str, expired: bool = False) -> Response:
    """Return a redirect (307) to the sign-in page.

    The query parameter `next` contains the requested path and query (auth.md §3).
    """
    # The hosted edge re-encodes the query: a space becomes a plus, and the plus %2B.
    again = urlencode(parse_qsl(query, keep_blank_values=True)) if query else ""
    back = quote(f"{path}?{again}" if again else path, safe="")
    location = f"/login?{'expired=true&' if expired else ''}next={back}"
    return Response(location.encode(), 307, {"Location": location})
