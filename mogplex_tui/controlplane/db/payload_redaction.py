"""Limit and redact event payloads and tool calls before they are stored.

v1.md §8.4, observability.md §9.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

MAX_DEPTH = 4
MAX_ITEMS = 50
MAX_TEXT = 40_000
REDACTED = "[redacted]"
TRUNCATED = "[truncated]"

SECRET_KEY = re.compile(
    r"authorization|api[_-]?key|token|secret|password|cookie|credential|client_secret|access_token"
    r"|refresh_token|session|jwt",
    re.IGNORECASE,
)
_SECRET_TEXT = re.compile(
    r"(?P<bearer>\bBearer\s+)[^\s\"',;]+|x-access-token:[^@\s]+@|\bgh[oprsu]_\w+|\bgithub_pat_\w+"
    r"|\bsk-[\w-]{8,}|\bsb_secret_\w+"
)


def _hide(match: re.Match[str]) -> str:
    if match["bearer"]:
        return "Bearer " + REDACTED
    if match[0].startswith("x-access-token:"):
        return f"x-access-token:{REDACTED}@"
    return REDACTED


def scrub_text(text: str) -> str:
    """Return a text with bearer tokens, clone credentials and known API keys redacted."""
    return _SECRET_TEXT.sub(_hide, text)


def reserialise(text: str, clean: Any) -> str | None:
    """Parse a text as JSON, apply `clean` to the value, and return it as JSON text.

    Returns None if the text is no JSON object or array.
    """
    if text[:1] not in ("{", "["):
        return None
    try:
        parsed = json.loads(text)
    except ValueError:
        return None
    return json.dumps(clean(parsed), separators=(",", ":"), ensure_ascii=False)


def scrub(value: Any, depth: int = 0) -> Any:
    """Return a JSON value limited in depth and size, with secrets redacted.

    Values under keys that name a secret are redacted. Numbers are kept, because a key such as
    `total_tokens` names a secret only by accident.
    """
    if isinstance(value, dict):
        if depth >= MAX_DEPTH:
            return TRUNCATED
        kept = list(value.items())[:MAX_ITEMS]
        return {key: _scrub_entry(key, item, depth + 1) for key, item in kept}
    if isinstance(value, list | tuple):
        if depth >= MAX_DEPTH:
            return TRUNCATED
        return [scrub(item, depth + 1) for item in value[:MAX_ITEMS]]
    if isinstance(value, str):
        return _known_text(value) if len(value) <= _SHORT else _stored_text(value)
    return value


def _stored_text(value: str) -> str:
    cleaned = reserialise(value, scrub) or scrub_text(value)
    return cleaned if len(cleaned) <= MAX_TEXT else cleaned[:MAX_TEXT]


# The tool calls of a live call are written again with each new one.
_SHORT = 1_000
_known_text = lru_cache(4_096)(_stored_text)


@lru_cache(1_024)
def _is_secret(key: str) -> bool:
    return SECRET_KEY.search(key) is not None


def _scrub_entry(key: str, item: Any, depth: int) -> Any:
    if isinstance(item, int | float) or item is None:
        return item
    return REDACTED if _is_secret(key) else scrub(item, depth)


_COMPACT = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


def dumps(value: Any) -> str:
    """Return a value as compact JSON, the form in which the database stores JSON."""
    return _COMPACT.encode(value)
