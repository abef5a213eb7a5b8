"""Metadata that describes a job's model failures (observability.md §8.3).

It is stored in the job's control row.
"""

from __future__ import annotations

import re
from typing import Any

from ..sample_data.loader import material

# Failures of these classes are retried; others are not.
RETRIED = ("timeout", "rate_limited", "provider_unavailable")
USUAL_TIMEOUT_MS = 600_000

_LENGTH = re.compile(r"\b(\d+) (ms|s|minutes)\b", re.ASCII)
_UNITS_MS = {"ms": 1, "s": 1_000, "minutes": 60_000}
_STATUS = re.compile(r"\b[45]\d\d\b", re.ASCII)


def failed(klass: str, text: str | None, phase: str, timeout_ms: int = USUAL_TIMEOUT_MS) -> dict[str, Any]:
    """Return the metadata that describes a model failure.

    A timeout in the error text replaces `timeout_ms`, and an HTTP status in it replaces the usual
    status of the failure class.
    """
    retried = klass in RETRIED
    return {
        "model_failure_class": klass,
        "model_failure_message": text,
        "model_failure_status_code": _status(klass, text or ""),
        "model_execution_phase": phase,
        "model_effective_timeout_ms": _timeout_ms(klass, text or "", timeout_ms),
        "model_retry_attempted": retried,
        "model_retry_count": 2 if retried else 0,
        "model_attempts": 3 if retried else 1,
    }


def recovered(klass: str, text: str, phase: str) -> dict[str, Any]:
    """Return the metadata of a success whose first attempt failed.

    Returns {} if failures of this class are not retried.
    """
    if klass not in RETRIED:
        return {}
    return {
        "model_execution_phase": phase,
        "model_effective_timeout_ms": _timeout_ms(klass, text, USUAL_TIMEOUT_MS),
        "model_retry_attempted": True,
        "model_retry_count": 1,
        "model_attempts": 2,
        "model_recovered_from_failure_class": klass,
        "model_recovered_from_message": text,
    }


def _timeout_ms(klass: str, text: str, otherwise: int) -> int:
    if klass != "timeout":
        return USUAL_TIMEOUT_MS
    match = _LENGTH.search(text)
    return otherwise if match is None else int(match[1]) * _UNITS_MS[match[2]]


def _status(klass: str, text: str) -> int | None:
    """Return the HTTP status in an error text, or else the failure class's usual one."""
    usual: int | None = material("errors")[klass]["status"]
    match = None if usual is None else _STATUS.search(text)
    return usual if match is None else int(match[0])
