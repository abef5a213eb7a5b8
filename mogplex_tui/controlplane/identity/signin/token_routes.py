"""POST /api/auth/mcp/token and GET /api/auth/mcp/get-session (auth.md §8)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from typing import Any
from urllib.parse import unquote_plus

from starlette.responses import Response
from starlette.routing import BaseRoute

from ...db.clock import SECOND_US, iso_app
from ...db.database import Row, Tx
from ...http.authentication import digest
from ...http.endpoints import ApiRequest, MethodHandler, RefusedError, Service, json_response, route
from . import signin_records
from .authorize_routes import client_of
from .discovery_routes import BASE
from .forms import PageEndpoint, form_or_json

_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


def _refusal(status: int, error: str, description: str) -> RefusedError:
    return RefusedError(json_response({"error_description": description, "error": error}, status, _NO_STORE))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _with_basic(request: ApiRequest, fields: dict[str, str]) -> dict[str, str]:
    """Return the fields of a token request with client id and secret added.

    Id and secret are taken from the `Authorization: Basic` header unless the fields already contain
    them.
    """
    scheme, _, given = request.http.headers.get("authorization", "").partition(" ")
    if scheme != "Basic":
        return fields
    try:
        user, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return fields
    return {"client_id": unquote_plus(user), "client_secret": unquote_plus(secret), **fields}


async def token(request: ApiRequest) -> Response:
    """Exchange an authorization code or a refresh token for an access token.

    A code is used up even if the exchange is refused after the code was found.
    """
    fields = _with_basic(request, await form_or_json(request))
    if fields.get("grant_type") == "refresh_token":
        return _refreshed(request, fields)
    return _for_code(request, fields)


def _for_code(request: ApiRequest, fields: dict[str, str]) -> Response:
    if not fields.get("code"):
        raise _refusal(400, "invalid_request", "code is required")
    if not fields.get("code_verifier"):
        raise _refusal(400, "invalid_request", "code verifier is missing")
    now = request.plane.clock.now_us()
    with request.plane.db.transaction() as tx:
        grant = signin_records.use_up_code(tx, fields["code"], now)
    if grant is None:
        raise _refusal(401, "invalid_grant", "invalid code")
    _check_grant(request, fields, grant)
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        row = signin_records.issue_tokens(tx, grant.client_id, grant.user_id, grant.scopes, now)
    body = _pair(row, "Bearer")
    if "openid" in grant.scopes.split():
        body["id_token"] = _id_token(request, grant, now)
    return json_response(body, headers=_NO_STORE)


def _check_grant(request: ApiRequest, fields: dict[str, str], grant: signin_records.Grant) -> None:
    client_id = fields.get("client_id")
    if not client_id:
        raise _refusal(401, "invalid_client", "client_id is required")
    if not fields.get("grant_type"):
        raise _refusal(400, "invalid_request", "grant_type is required")
    if fields["grant_type"] != "authorization_code":
        raise _refusal(400, "unsupported_grant_type", "grant_type must be 'authorization_code'")
    if not fields.get("redirect_uri"):
        raise _refusal(400, "invalid_request", "redirect_uri is required")
    client = client_of(request, client_id)
    if client is None or client_id != grant.client_id:
        raise _refusal(401, "invalid_client", "invalid client_id")
    _check_secret(client, fields)
    if fields["redirect_uri"] != grant.redirect_uri:
        raise _refusal(401, "invalid_client", "invalid redirect_uri")
    challenge = _base64url(hashlib.sha256(fields["code_verifier"].encode()).digest())
    if not hmac.compare_digest(challenge.encode(), grant.code_challenge.encode("utf-8", "replace")):
        raise _refusal(401, "invalid_request", "code verification failed")


def _check_secret(client: Row, fields: dict[str, str]) -> None:
    """Raise RefusedError 401 if the client's secret in the fields is wrong or missing.

    A public client has no secret and always passes.
    """
    known = client["secret_hash"]
    if known is not None and not hmac.compare_digest(digest(fields.get("client_secret", "")), known):
        raise _refusal(401, "invalid_client", "invalid client_secret")


def _refreshed(request: ApiRequest, fields: dict[str, str]) -> Response:
    if not fields.get("refresh_token"):
        raise _refusal(400, "invalid_request", "refresh_token is required")
    old = request.plane.db.one(
        "SELECT * FROM oauth_tokens WHERE refresh_token = ?", (fields["refresh_token"],)
    )
    if old is None:
        raise _refusal(401, "invalid_grant", "invalid refresh token")
    client = client_of(request, fields.get("client_id", ""))
    if client is None or client["id"] != old["client_id"]:
        raise _refusal(401, "invalid_client", "invalid client_id")
    _check_secret(client, fields)
    now = request.plane.clock.now_us()
    if old["refresh_expires_at"] < now:
        raise _refusal(401, "invalid_grant", "refresh token expired")
    if "offline_access" not in old["scopes"].split():
        text = "refresh token was not issued for the offline_access scope"
        raise _refusal(401, "invalid_grant", text)
    # The old pair stays good: each until its own end.
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        row = _again(tx, old, now)
    return json_response(_pair(row, "bearer"), headers=_NO_STORE)


def _again(tx: Tx, old: Row, now: int) -> Row:
    return signin_records.issue_tokens(tx, old["client_id"], old["user_id"], old["scopes"], now)


def _pair(row: Row, kind: str) -> dict[str, Any]:
    body = {
        "access_token": row["access_token"],
        "token_type": kind,
        "expires_in": signin_records.ACCESS_US // SECOND_US,
        "refresh_token": row["refresh_token"],
        "scope": row["scopes"],
    }
    if "offline_access" not in row["scopes"].split():
        del body["refresh_token"]
    return body


def _id_token(request: ApiRequest, grant: signin_records.Grant, now: int) -> str:
    """Return an OpenID id token that nobody can verify.

    It is signed with a random key that is not kept (auth.md §8).
    """
    profile = request.plane.db.only("SELECT * FROM profiles WHERE id = ?", (grant.user_id,))
    scopes = grant.scopes.split()
    claims: dict[str, Any] = {
        "sub": grant.user_id,
        "iss": request.service.origin,
        "aud": grant.client_id,
        "iat": now // SECOND_US,
        "exp": (now + signin_records.ACCESS_US) // SECOND_US,
    }
    if grant.nonce is not None:
        claims["nonce"] = grant.nonce
    if "profile" in scopes:
        claims["name"] = profile["name"]
    if "email" in scopes:
        claims |= {"email": profile["email"], "email_verified": True}
    parts = [_base64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    signed = hmac.new(secrets.token_bytes(32), ".".join(parts).encode(), hashlib.sha256).digest()
    return ".".join((*parts, _base64url(signed)))


async def probe(request: ApiRequest) -> Response:
    """Return the stored data of the request's access token, secrets included.

    The response is null for an unknown or missing token.
    """
    header = request.http.headers.get("authorization", "")
    given = header.removeprefix("Bearer ") if header.startswith("Bearer ") else ""
    row = request.plane.db.one("SELECT * FROM oauth_tokens WHERE access_token = ?", (given,))
    if row is None:
        return json_response(None)
    body = {
        "id": row["id"],
        "accessToken": row["access_token"],
        "refreshToken": row["refresh_token"],
        "accessTokenExpiresAt": iso_app(row["access_expires_at"]),
        "refreshTokenExpiresAt": iso_app(row["refresh_expires_at"]),
        "clientId": row["client_id"],
        "userId": row["user_id"],
        "scopes": row["scopes"],
        "createdAt": iso_app(row["created_at"]),
        "updatedAt": iso_app(row["updated_at"]),
    }
    return json_response(body, headers=_NO_STORE)


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module."""
    return [
        route(BASE + "/token", PageEndpoint(service, {"POST": MethodHandler(token)})),
        route(BASE + "/get-session", PageEndpoint(service, {"GET": MethodHandler(probe)})),
    ]
