"""Helpers of the flow routes: the flow service, error responses, number parsing.

routing.md §0.
"""

from __future__ import annotations

from typing import Any

from ..http import params
from ..http.endpoints import ApiRequest, RefusedError, refusal
from .flow_service import FlowService
from .flow_store import FlowError


def flow_refusal(error: FlowError) -> RefusedError:
    """Return the error response for a flow error, with `error` and `code`.

    If a graph is invalid, the response also has `details`, the list of the graph's errors.
    routing.md §3.2.
    """
    more = {} if error.details is None else {"details": error.details}
    return refusal(error.status, error.message, code=error.code, **more)


def service_of(request: ApiRequest) -> FlowService:
    """Return the flow service for the caller."""
    return FlowService(request.plane, request.service.ids, request.user_id)


def positive_number(value: Any) -> int | None:
    """Return a positive JSON number or numeric string as an integer, else None."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= params.SAFE_INTEGER:
        return None
    return int(value)
