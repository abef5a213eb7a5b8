"""Replace internal error texts by general messages with an incident id.

observability.md §9.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

_WORDS = {
    "cancelled": r"cancelled|canceled|cancel requested|aborted",
    "timeout": r"timeout|timed out|deadline|time limit",
    "rate_limit": r"429|rate limit|quota|too many requests",
    "authorization": r"unauthorized|forbidden|permission|access denied|not installed|reconnect",
}
_CLASSES = [(name, re.compile(rf"\b(?:{words})\b", re.IGNORECASE)) for name, words in _WORDS.items()]
_CONFIGURATION = re.compile(
    r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b.{0,80}?(?i:\b(?:required|missing|unset|not configured)\b)"
    r"|(?i:\b(?:model|provider|credential|credentials|api key|configuration|configured)\b.{0,80}?"
    r"\b(?:missing|required|invalid|unavailable|not configured)\b)",
    re.DOTALL,
)
_SENTENCES = {
    "cancelled": "The run was cancelled before it completed. Incident {}.",
    "timeout": "The run exceeded its time limit. Retry it or reduce the task scope. Incident {}.",
    "rate_limit": "The AI provider rate limit or quota was reached. Retry later or check provider usage."
    " Incident {}.",
    "authorization": "A required connection is not authorized. Reconnect it in Settings and retry."
    " Incident {}.",
    "configuration": "This run needs additional model or provider configuration. Check Settings and retry."
    " Incident {}.",
    "internal": "The run failed because of an internal service error. Retry it; if it continues,"
    " contact support with incident {}.",
}
_ERROR_KEYS = re.compile(
    r"(?:^|_)(?:errors?|exception|stack|stacktrace|stderr|failure|failure_message|last_start_error|cancel_error)"
    r"(?:_|$)"
)
_UPPER_CODE = re.compile(r"[A-Z][A-Z0-9_]{2,80}")
_FAILURE_CLASSES = frozenset(
    (
        "timeout",
        "rate_limited",
        "provider_unavailable",
        "dependency_unavailable",
        "authentication",
        "configuration",
        "unknown",
    )
)
_DIAGNOSTIC = re.compile(
    r"\n\s+at \S+|Traceback \(most recent call last\)|https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0)\b"
    r"|\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b (?:is )?(?:required|missing|unset|not (?:set|configured))"
    r"|\bECONN(?:REFUSED|RESET)\b|\bSQLSTATE\b|\bPGRST\d+\b|duplicate key value|violates \S+ constraint"
    r"|relation \"[^\"]+\" does not exist|upstream connect error"
)
_DIAGNOSTIC_HINTS = (
    "at ",
    "Traceback",
    "://",
    "ECONN",
    "SQLSTATE",
    "PGRST",
    "duplicate key",
    "violates",
    "does not exist",
    "upstream",
    "required",
    "missing",
    "unset",
    "not set",
    "not configured",
)
# The same for a text of a single word, as most are.
_WORD_HINTS = ("://", "ECONN", "SQLSTATE", "PGRST")
# Each replaced text contains one of these, or is beside a key or a state that does.
_SUSPICIOUS = (*_DIAGNOSTIC_HINTS, "fail", "error", "exception", "stack", "stderr")
_FAILED = frozenset(("failed", "failure", "start_failed", "cancel_failed", "error", "errored"))
_STATE_KEYS = ("status", "state", "outcome", "event_type")
_SAFE_KEYS = frozenset(
    (
        "id",
        "status",
        "state",
        "type",
        "event_type",
        "event_kind",
        "outcome",
        "source",
        "source_kind",
        "source_type",
        "model",
        "name",
        "slug",
        "path",
        "line",
        "severity",
        "branch",
        "review_dedup_key",
    )
)
_SAFE_ENDS = (
    "_id",
    "_type",
    "_at",
    "_ref",
    "_sha",
    "_title",
    "_author",
    "_login",
    "_full_name",
    "_label",
    "_provider",
    "_phase",
    "_source",
)
# Objects below these keys are judged by their own state, not by their parent's.
_STARTS_CLEAN = frozenset(
    (
        "agent",
        "ai_calls",
        "dispatch_events",
        "events",
        "latest_ai_call",
        "latest_dispatch_event",
        "node_runs",
        "repo",
        "review_findings",
        "sandbox_context",
        "tool_calls",
        "input",
        "input_preview",
    )
)
_OUTPUT_FAILURE = re.compile(
    r"\b(?:errors?|failed|failure|invalid|timeout|timed out|429|exception|unauthorized|forbidden|denied)\b",
    re.IGNORECASE,
)


def incident(kind: str, row_id: str) -> str:
    """Return the incident id of a row, for example "MOG-CALL-0F3A91C2B7".

    It ends with the first ten letters and digits of the row's id.
    """
    return f"MOG-{kind}-{re.sub(r'[^A-Za-z0-9]', '', row_id)[:10].upper()}"


def sentence(raw: str, incident_id: str) -> str:
    """Return the general message that replaces an internal error text.

    The message depends on keywords in `raw` and contains the incident id.
    """
    for name, cue in _CLASSES:
        if cue.search(raw):
            return _SENTENCES[name].format(incident_id)
    name = "configuration" if _CONFIGURATION.search(raw) else "internal"
    return _SENTENCES[name].format(incident_id)


@lru_cache(2048)
def _names_an_error(key: str) -> bool:
    return _ERROR_KEYS.search(key) is not None


def _always_replaced(key: str, value: str) -> bool:
    if _names_an_error(key):
        kept = value in _FAILURE_CLASSES or ("code" in key and _UPPER_CODE.fullmatch(value) is not None)
        return not kept
    hints = _DIAGNOSTIC_HINTS if " " in value else _WORD_HINTS
    return _holds(hints, value) and _DIAGNOSTIC.search(value) is not None


def _holds(words: tuple[str, ...], text: str) -> bool:
    # A pattern would be tried at every character, and a generator costs more than its test.
    for word in words:  # noqa: SIM110
        if word in text:
            return True
    return False


def needs_no_cleaning(stored: str) -> bool:
    """Return whether a stored JSON text is certain to contain no internal error text."""
    return not _holds(_SUSPICIOUS, stored)


def _safe_in_failure(key: str, value: str) -> bool:
    if key in _SAFE_KEYS or key.endswith(_SAFE_ENDS):
        return True
    if key.endswith(("reason", "code", "outcome", "class")):
        return _UPPER_CODE.fullmatch(value) is not None or value in _FAILURE_CLASSES
    return key.endswith("_url") and value.startswith("https://github.com/")


def _is_failed(value: dict[str, Any]) -> bool:
    for key in _STATE_KEYS:  # noqa: SIM110 (asked for every object of a page)
        # A state can be any value here, also a list, which is not hashable.
        if key in value and isinstance(word := value[key], str) and word in _FAILED:
            return True
    return False


def _text(key: str, value: str, kind: str, row_id: str, failed: bool) -> str:
    if _always_replaced(key, value) or (failed and not _safe_in_failure(key, value)):
        return sentence(value, incident(kind, row_id))
    return value


def clean(value: Any, kind: str, row_id: str, key: str = "", failed: bool = False) -> Any:
    """Return a JSON value with internal error texts replaced by general messages.

    `kind` is CALL, JOB, EVENT or TOOL. The incident id in a message is made from the id of the
    innermost object that has an id, or else from `row_id`. Numbers, booleans and nulls never
    change. `failed` says that the value belongs to a failed row, in which most texts are internal.
    """
    if isinstance(value, str):
        return _text(key, value, kind, row_id, failed)
    if isinstance(value, list):
        return [clean(item, kind, row_id, key, failed) for item in value]
    if isinstance(value, dict):
        own_id = value.get("id")
        row_id = own_id if isinstance(own_id, str) and own_id else row_id
        failed = failed or _is_failed(value)
        out: dict[str, Any] = {}
        for name, item in value.items():
            # Texts are most of a row: without a function call for each, a page takes half the time.
            if isinstance(item, str):
                out[name] = _text(name, item, kind, row_id, failed)
            elif isinstance(item, dict | list):
                out[name] = clean(item, kind, row_id, name, failed and name not in _STARTS_CLEAN)
            else:
                out[name] = item
        return out
    return value


def clean_call(call: dict[str, Any]) -> dict[str, Any]:
    """Return a call's JSON object without internal error texts.

    Most texts of a successful call are not changed.
    """
    out: dict[str, Any] = clean(call, "CALL", call["id"])
    return out


def clean_event(event: dict[str, Any]) -> dict[str, Any]:
    """Return a call event's JSON object without internal error texts.

    The message of a failed event is always replaced, other messages only if they look internal.
    """
    out: dict[str, Any] = clean(event, "EVENT", event["id"])
    return out


def clean_output(text: Any, row_id: str) -> Any:
    """Return a tool's output, or a general message if the output mentions a failure."""
    if isinstance(text, str) and _OUTPUT_FAILURE.search(text):
        return sentence(text, incident("TOOL", row_id))
    return text
