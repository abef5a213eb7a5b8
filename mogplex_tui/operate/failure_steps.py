"""Names of the classes of failures, and the next step that each class suggests."""

from __future__ import annotations

from typing import NamedTuple

from mogplex_tui.live.failure_class import FailureClass
from mogplex_tui.operate import formatting


class NextStep(NamedTuple):
    """What to do after a failure: a sentence, and the list to begin with."""

    sentence: str
    kind: str | None = None


_LABELS = {
    FailureClass.TIMEOUT: "timeout",
    FailureClass.RATE_LIMITED: "rate limited",
    FailureClass.PROVIDER_UNAVAILABLE: "model provider unavailable",
    FailureClass.DEPENDENCY_UNAVAILABLE: "dependency unavailable",
    FailureClass.AUTHENTICATION: "not authorized",
    FailureClass.CONFIGURATION: "not configured",
    FailureClass.SANDBOX: "sandbox did not boot",
    FailureClass.UNKNOWN: "other failure",
}
_STEPS = {
    FailureClass.TIMEOUT: NextStep("Run it again, or make the task smaller."),
    FailureClass.RATE_LIMITED: NextStep(
        "Wait, then run it again; raise the limit at the provider.", "provider-keys"
    ),
    FailureClass.PROVIDER_UNAVAILABLE: NextStep(
        "Wait, then run it again; or choose another model.", "models"
    ),
    FailureClass.DEPENDENCY_UNAVAILABLE: NextStep("Wait, then run it again."),
    FailureClass.AUTHENTICATION: NextStep("Renew the credential, then run it again.", "connections"),
    FailureClass.CONFIGURATION: NextStep("Set the missing key or model, then run it again.", "provider-keys"),
    FailureClass.SANDBOX: NextStep("Look at the sandbox, then run it again."),
    FailureClass.UNKNOWN: NextStep("Look at the events, then run it again."),
}
# The classes of the service's sentences in place of errors (observability.md §9), by their short form.
_CLASSES = {
    "internal error": FailureClass.UNKNOWN,
    "time limit": FailureClass.TIMEOUT,
    "limit or quota": FailureClass.RATE_LIMITED,
    "not authorized": FailureClass.AUTHENTICATION,
    "not configured": FailureClass.CONFIGURATION,
}


def class_of(known: FailureClass | None, error: str | None) -> FailureClass:
    """Return the class of a failure.

    If `known` is None or UNKNOWN, the class is derived from the sentence with which the service
    replaces the failure's error.
    """
    if known is not None and known is not FailureClass.UNKNOWN:
        return known
    return _CLASSES.get(formatting.cause(error or ""), FailureClass.UNKNOWN)


def label(failure: FailureClass) -> str:
    """Return the name of a class of failures, as the beginning of a sentence."""
    return _LABELS[failure]


def next_step(failure: FailureClass) -> NextStep:
    """Return the next step that a class of failures suggests."""
    return _STEPS[failure]


def brief(known: FailureClass | None, cause: str | None, error: str | None) -> str:
    """Return the most specific message of a failure, for a column.

    For a sandbox that did not boot, the class comes before the message, which may not mention the
    sandbox.
    """
    message = formatting.first_line(cause) if cause else formatting.cause(error or "")
    return f"{label(known)}: {message}" if known is FailureClass.SANDBOX else message


def describe(known: FailureClass | None, cause: str | None, error: str | None) -> str:
    """Return the class of a failure and its most specific message.

    For example "Timeout: the model stopped answering".
    """
    message, failure = cause or error or "", class_of(known, error)
    is_named = bool(cause) and failure is not FailureClass.UNKNOWN
    return f"{label(failure)[:1].upper()}{label(failure)[1:]}: {message}" if is_named else message
