"""Validate the fields of a new connection (library.md §8.3)."""

from __future__ import annotations

from typing import Any

from ..http import params
from ..http.endpoints import ApiRequest, RefusedError, refusal
from .connection_presets import PRESETS
from .public_urls import UnsafeUrlError, parsed_url

_AUTH_TYPES = ("none", "api_key", "bearer", "basic", "oauth")
_OAUTH_URLS = ("oauth_authorize_url", "oauth_token_url")

Columns = dict[str, Any]


def invalid(message: str) -> RefusedError:
    """Return the error 400 INVALID_CONNECTION with this message."""
    return refusal(400, message, code="INVALID_CONNECTION")


def _text(body: dict[str, Any], name: str) -> str | None:
    value = body.get(name)
    return (params.trim(value) or None) if isinstance(value, str) else None


def _url(request: ApiRequest, body: dict[str, Any], name: str) -> str:
    text = _text(body, name)
    if text is None:
        raise invalid(f"{name} must be a valid URL")
    try:
        return parsed_url(text, name, request.plane.settings.private_hosts)
    except UnsafeUrlError as error:
        raise invalid(str(error)) from None


def new_connection(request: ApiRequest, payload: Any) -> Columns:
    """Validate the JSON body of a new connection and return the columns to store.

    Raises RefusedError for invalid fields. The number of connections and the uniqueness of the
    name are not checked here.
    """
    if not isinstance(payload, dict | list):
        raise invalid("Connection payload is required")
    body = payload if isinstance(payload, dict) else {}
    columns: Columns = {"description": _text(body, "description")} | _place(request, body)
    preset = _text(body, "source_preset")
    return columns | (_manual(request, body) if preset is None else _from_preset(request, body, preset))


def _place(request: ApiRequest, body: dict[str, Any]) -> Columns:
    if body.get("scope") != "project":
        return {"scope": "global", "repo_id": None}
    repo_id = (_text(body, "repo_id") or "").lower()
    if not repo_id:
        raise invalid("repo_id is required for a project connection")
    known = request.plane.db.one(
        "SELECT 1 FROM repos WHERE id = ? AND user_id = ?", (repo_id, request.user_id)
    )
    if known is None:
        raise refusal(404, "Repo not found", code="REPO_NOT_FOUND")
    return {"scope": "project", "repo_id": repo_id}


def _from_preset(request: ApiRequest, body: dict[str, Any], key: str) -> Columns:
    preset = PRESETS.get(key)
    if preset is None:
        raise invalid("Unknown connection preset")
    url, credentials = preset.url, _text(body, "credentials")
    if url is None:
        if _text(body, "mcp_url") is None:
            raise invalid("mcp_url is required")
        url = _url(request, body, "mcp_url")
    if preset.needs_credential and credentials is None:
        raise invalid("credentials is required")
    return {
        "name": preset.name,
        "type": "mcp_server",
        "base_url": None,
        "auth_type": preset.auth_type,
        "auth_header": "Authorization",
        "mcp_transport": "http",
        "mcp_url": url,
        "credentials": credentials if preset.needs_credential else None,
        "source_preset": key,
    }


def _manual(request: ApiRequest, body: dict[str, Any]) -> Columns:
    kind = body.get("type")
    if kind not in ("rest_api", "mcp_server"):
        raise invalid("type must be rest_api or mcp_server")
    name = _text(body, "name")
    if name is None:
        raise invalid("Connection name is required")
    auth_type = "none" if body.get("auth_type") in (None, "") else body["auth_type"]
    if auth_type not in _AUTH_TYPES:
        raise invalid("Unsupported auth type")
    is_server = kind == "mcp_server"
    columns: Columns = {
        "name": name,
        "type": kind,
        "base_url": None if is_server else _url(request, body, "base_url"),
        "auth_type": auth_type,
        "auth_header": _header(body, auth_type),
        "mcp_transport": ("sse" if body.get("mcp_transport") == "sse" else "http") if is_server else None,
        "mcp_url": _url(request, body, "mcp_url") if is_server else None,
        "source_preset": None,
    }
    if auth_type == "oauth":
        return columns | _oauth(request, body)
    credentials = _text(body, "credentials")
    if auth_type != "none" and credentials is None:
        raise invalid("credentials are required for this auth type")
    return columns | {"credentials": credentials}


def _header(body: dict[str, Any], auth_type: str) -> str:
    default = "X-API-Key" if auth_type == "api_key" else "Authorization"
    if auth_type in ("api_key", "bearer", "oauth"):
        return _text(body, "auth_header") or default
    return default


def _oauth(request: ApiRequest, body: dict[str, Any]) -> Columns:
    client_id = _text(body, "oauth_client_id")
    if client_id is None:
        raise invalid("oauth_client_id is required")
    columns: Columns = {"oauth_client_id": client_id}
    columns |= {name: _url(request, body, name) for name in _OAUTH_URLS}
    secret = _client_secret(body.get("credentials"))
    if secret is None:
        raise invalid("OAuth client secret is required")
    return columns | {"oauth_scopes": _text(body, "oauth_scopes"), "credentials": secret}


def _client_secret(given: Any) -> str | None:
    """Return the OAuth client secret from the field `credentials`, or None.

    The field contains either the secret itself, or a JSON object as text whose key
    `client_secret` contains it.
    """
    text = params.trim(given) if isinstance(given, str) else ""
    try:
        parsed = params.parsed(text.encode("utf-8", "replace"))
    except params.NotJsonError:
        return text or None
    if isinstance(parsed, dict):
        inner = parsed.get("client_secret")
        return (params.trim(inner) or None) if isinstance(inner, str) else None
    return text or None
