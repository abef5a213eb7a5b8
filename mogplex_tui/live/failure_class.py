"""Classes of failures, which determine the next step (observability.md §8.3)."""

from __future__ import annotations

from enum import StrEnum


class FailureClass(StrEnum):
    """The class of the cause of a failed run or job.

    The classes are those of the service, and SANDBOX for a sandbox that did not boot.
    """

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
    """Return the failure class with the given name.

    Returns UNKNOWN for a name that is no class, and None if there is no name.
    """
    if not text:
        return None
    try:
        return FailureClass(text)
    except ValueError:
        return FailureClass.UNKNOWN
