"""Remove secrets from event payloads that v1 returns (v1.md §8.4)."""

from __future__ import annotations

import json
import re
from typing import Any

from ..db.payload_redaction import REDACTED, SECRET_KEY, TRUNCATED, reserialise, scrub_text

MAX_TEXT = 2_000
MAX_ITEMS = 25
MAX_DEPTH = 3
MAX_PAYLOAD = 20_000

_PLAIN = re.compile(r"[^a-z0-9]")
_PRIVATE_KEYS = frozenset(
    (
        "env",
        "environment",
        "envvars",
        "runtimeenv",
        "runtimeenvironment",
        "githubtoken",
        "ghtoken",
        "aibillingsource",
        "mogplexaibillingsource",
    )
)


def _hidden(key: str) -> bool:
    return _PLAIN.sub("", key.lower()) in _PRIVATE_KEYS or SECRET_KEY.search(key) is not None


def _strings_and_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: REDACTED if _hidden(key) else _strings_and_keys(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_strings_and_keys(item) for item in value]
    if isinstance(value, str):
        cleaned = reserialise(value, _strings_and_keys) or scrub_text(value)
        if len(cleaned) > MAX_TEXT:
            return f"{cleaned[:MAX_TEXT]}\n...[truncated {len(cleaned) - MAX_TEXT} chars]"
        return cleaned
    return value


def _bounded(value: Any, depth: int) -> Any:
    if isinstance(value, dict):
        if depth >= MAX_DEPTH:
            return TRUNCATED
        return {key: _bounded(item, depth + 1) for key, item in list(value.items())[:MAX_ITEMS]}
    if isinstance(value, list):
        if depth >= MAX_DEPTH:
            return TRUNCATED
        return [_bounded(item, depth + 1) for item in value[:MAX_ITEMS]]
    return value


def redact(payload: dict[str, Any]) -> dict[str, Any]:
    """Return an event's payload without secrets and within the size limits.

    The limits apply to the length of texts and lists, the depth, and the whole payload.
    """
    cleaned: dict[str, Any] = _bounded(_strings_and_keys(payload), 0)
    text = json.dumps(cleaned, separators=(",", ":"), ensure_ascii=False)
    if len(text) > MAX_PAYLOAD:
        return {"truncated": True, "payloadPreview": text[:MAX_PAYLOAD]}
    return cleaned
