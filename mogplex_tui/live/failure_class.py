"""Classes of failures, by which the next step is chosen (observability.md §8.3)."""

from __future__ import annotations

from enum import StrEnum


class FailureClass(StrEnum):
    """Why a run or job failed: a class of the service, or a sandbox that did not boot."""

    TIMEOUT = "timeout"
    RATE_LIMITED = "rate_limited"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    DEPENDENCY_UNAVAILABLE = "dependency_unavailable"
    AUTHENTICATION = "authentication"
    CONFIGURATION = "configuration"
    UNKNOWN = "unknown"
    # Not a class of the service, which has no class for direct runs.
    SANDBOX = "sandbox"


def failure_class(text: str | None) -> FailureClass | None:
    """Return the class with a name, UNKNOWN for another name, None for no name."""
    if not text:
        return None
    try:
        return FailureClass(text)
    except ValueError:
        return FailureClass.UNKNOWN
