"""Metadata of the authorization server, and two advertised paths that respond 404.

auth.md §8.
"""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import BaseRoute

from ...http.endpoints import ApiRequest, MethodHandler, Service, json_response, route
from .forms import PageEndpoint

SCOPES = ("openid", "profile", "email", "offline_access", "read", "write")
BASE = "/api/auth/mcp"


async def authorization_server(request: ApiRequest) -> Response:
    """Return the OAuth server's metadata: its endpoints and capabilities."""
    origin = request.service.origin
    document = {
        "issuer": origin,
        "authorization_endpoint": f"{origin}{BASE}/authorize",
        "token_endpoint": f"{origin}{BASE}/token",
        "userinfo_endpoint": f"{origin}{BASE}/userinfo",
        "jwks_uri": f"{origin}{BASE}/jwks",
        "registration_endpoint": f"{origin}{BASE}/register",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "acr_values_supported": ["urn:mace:incommon:iap:silver", "urn:mace:incommon:iap:bronze"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["HS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "email", "email_verified", "name"],
    }
    return json_response(document, headers={"Access-Control-Allow-Origin": "*"})


async def protected_resource(request: ApiRequest) -> Response:
    """Return the metadata of the protected resource that the tokens give access to."""
    origin = request.service.origin
    document = {
        "resource": f"{origin}/api/v1/mogplex/mcp",
        "authorization_servers": [origin],
        "scopes_supported": ["read", "write"],
        "resource_documentation": f"{origin}/docs/mcp",
    }
    return json_response(document, headers={"Cache-Control": "public, max-age=300"})


async def _not_there(_: ApiRequest) -> Response:
    return Response(status_code=404)


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module."""
    resource = PageEndpoint(service, {"GET": MethodHandler(protected_resource)})
    missing = PageEndpoint(service, {"GET": MethodHandler(_not_there), "POST": MethodHandler(_not_there)})
    known = "/.well-known/oauth-"
    return [
        route(
            known + "authorization-server",
            PageEndpoint(service, {"GET": MethodHandler(authorization_server)}),
        ),
        route(known + "protected-resource", resource),
        route(known + "protected-resource/api/v1/mogplex/mcp", resource),
        route(BASE + "/userinfo", missing),
        route(BASE + "/jwks", missing),
    ]
