"""The base class of all resources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from mogplex_tui.api import errors
from mogplex_tui.api.budget import Priority
from mogplex_tui.api.response import JsonResponse
from mogplex_tui.api.route_access import V1
from mogplex_tui.api.transport import Request, Transport


class Resource:
    """Base class of resources, which send the requests to one route family.

    All requests of a resource have the same priority, but requests that change something are always
    sent with `Priority.ACTION`. A method sends one request; its docstring says so if it may send a
    second one. A method raises an error of `api.errors` if it fails. Any request may raise
    Unreachable, NotSignedIn, LoginRequired, NotAllowed, Throttled, BudgetBlocked, Unavailable,
    ServiceFailed and InvalidResponse, so the docstrings of the methods name these only where they
    have a particular meaning. An id that is not a UUID raises InvalidInput before a request is sent.
    """

    def __init__(self, transport: Transport, priority: Priority) -> None:
        self._transport = transport
        self._priority = priority

    async def _get(
        self, path: str, resource: str, /, *, extra_wait: float = 0.0, **params: object
    ) -> JsonResponse:
        request = Request("GET", path, resource, params=query_params(params), extra_wait=extra_wait)
        return await self._transport.request(request, self._priority)

    async def _change(
        self,
        method: str,
        path: str,
        resource: str,
        *,
        body: Any = None,
        params: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        content: tuple[str, bytes] | None = None,
        extra_wait: float = 0.0,
    ) -> JsonResponse:
        # A person asked for the change, so it does not wait behind reads.
        content_type, raw = content or ("", None)
        request = Request(
            method,
            path,
            resource,
            params=query_params(params or {}),
            body=body,
            headers=headers or {},
            content=raw,
            content_type=content_type,
            extra_wait=extra_wait,
            is_change=True,
        )
        return await self._transport.request(request, Priority.ACTION)


@contextmanager
def advice_for_500(advice: str) -> Iterator[None]:
    """Replace the advice of a ServiceFailed error that the `with` block raises.

    Used for routes that fail on the hosted service because of a known defect.
    """
    try:
        yield
    except errors.ServiceFailed as failed:
        failed.advice = advice
        raise


def query_params(params: Mapping[str, object]) -> dict[str, str | int]:
    """Return query parameters encoded as the service expects them.

    Parameters that are None are left out. Times are converted to UTC and end with Z. Booleans become
    lower-case words. `since` and `until` are renamed to `from` and `to`.
    """
    encoded: dict[str, str | int] = {}
    for name, value in params.items():
        if value is None:
            continue
        if isinstance(value, datetime):
            moment = value if value.tzinfo else value.replace(tzinfo=UTC)
            value = moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        elif isinstance(value, bool):
            value = str(value).lower()
        # `from` is a keyword of Python, so the methods have `since` and `until`.
        encoded[{"since": "from", "until": "to"}.get(name, name)] = (
            value if isinstance(value, int) else str(value)
        )
    return encoded


def v1(path: str) -> str:
    """Return the full path of a route of the token API."""
    return V1 + path
