"""Remove secrets from the service's data before it is shown or stored.

The rules are those of v1.md §8.4. The service redacts events on v1 but not on the observability
routes; the console redacts the data of both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import overload

REDACTED = "[redacted]"

_WHOLE_KEYS = frozenset(
    [
        "env",
        "environment",
        "envvars",
        "runtimeenv",
        "runtimeenvironment",
        "githubtoken",
        "ghtoken",
        "aibillingsource",
        "mogplexaibillingsource",
    ]
)
_SECRET_KEY = re.compile(
    r"authorization|api[_-]?key|token|secret|password|cookie|credential|session|jwt", re.IGNORECASE
)
# Harmless keys that the service's own rule also matches; a number in them is a count, never a secret.
_COUNTS = re.compile(r"[Tt]okens(?![a-z])|TOKENS|(?:_count|Count|_limit|Limit)$")
# A key may follow a letter only if that letter ends an escape; otherwise every `task-…` would match.
_START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"
_PATTERNS = (
    (re.compile(r"Bearer\s+[^\s\"'\\]+"), f"Bearer {REDACTED}"),
    (re.compile(r"x-access-token:[^@\s]+@"), f"x-access-token:{REDACTED}@"),
    (re.compile(r"gh[oprsu]_[A-Za-z0-9_]+|github_pat_[A-Za-z0-9_]+|sb_secret_[\w-]+"), REDACTED),
    (re.compile(_START + r"sk-[A-Za-z0-9_-]{8,}"), REDACTED),
    # The display prefix of an API key, `mog_` and 8 characters, is no secret (identity.md §1.4).
    (re.compile(_START + r"mog_[A-Za-z0-9]{9,}"), REDACTED),
)
# Text that each pattern requires: looking for it first is far cheaper than five regex searches in every text.
_MARKS = (
    "Bearer",
    "x-access-token:",
    "gho_",
    "ghp_",
    "ghr_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "sb_secret_",
    "sk-",
    "mog_",
)
# The same for keys, in lower case and reduced to letters and digits.
_KEY_MARKS = (
    b"authorization", b"apikey", b"token", b"secret", b"password", b"cookie", b"credential", b"session", b"jwt", b"env",
    b"aibillingsource",
)  # fmt: skip
_NEITHER_LETTER_NOR_DIGIT = bytes(set(range(256)) - set(b"abcdefghijklmnopqrstuvwxyz0123456789"))
# The service keeps four levels; anything deeper than this limit is not one of its payloads (v1.md §8.4).
_DEEPEST = 64
TOO_DEEP = "[nested too deeply]"


def text(value: str) -> str:
    """Return a text with everything that looks like a credential replaced."""
    if not any(mark in value for mark in _MARKS):
        return value
    for pattern, replacement in _PATTERNS:
        value = pattern.sub(replacement, value)
    return value


def redacted_json(value: object) -> bytes:
    """Return a JSON value as compact UTF-8 JSON with secrets replaced.

    Unpaired surrogates are kept.
    """
    try:
        plain = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        plain = ""
    if not plain or _may_contain_secret(plain):
        plain = json.dumps(payload(value), ensure_ascii=False, separators=(",", ":"))
    return plain.encode("utf-8", "surrogatepass")


def _may_contain_secret(dumped: str) -> bool:
    """Return whether a JSON text may contain a secret.

    This is a fast check; a false alarm only costs the time of a thorough search.
    """
    if any(mark in dumped for mark in _MARKS) or "\\u" in dumped:
        return True
    if dumped.count("[") + dumped.count("{") > _DEEPEST:
        return True
    flat = dumped.lower().encode("utf-8", "surrogatepass").translate(None, _NEITHER_LETTER_NOR_DIGIT)
    return any(mark in flat for mark in _KEY_MARKS)


@overload
def payload(value: Mapping[str, object]) -> dict[str, object]: ...


@overload
def payload(value: object) -> object: ...


def payload(value: object) -> object:
    """Return a JSON value with secrets replaced.

    Other values are unchanged, except that levels of nesting below the 64th are cut.
    """
    return _clean(value, 0)


def _clean(value: object, depth: int) -> object:
    if isinstance(value, str):
        return _string(value, depth)
    if not isinstance(value, dict | list):
        return value
    if depth > _DEEPEST:
        return TOO_DEEP
    if isinstance(value, list):
        return [_clean(item, depth + 1) for item in value]
    return {key: REDACTED if _secret(key, item) else _clean(item, depth + 1) for key, item in value.items()}


def _secret(key: object, item: object) -> bool:
    # None and booleans reveal nothing; a mask would suggest that there is a secret.
    if item is None or isinstance(item, bool):
        return False
    hides, is_count = _key(str(key))
    return hides and not (is_count and isinstance(item, int | float))


@lru_cache(4096)
def _key(name: str) -> tuple[bool, bool]:
    """Return whether the values under a JSON key are secret, except for plain counts.

    The first flag is True if a value under the key is secret. The second flag is True if numbers
    under the key are mere counts and therefore not secret, as in `input_tokens`.
    """
    if re.sub(r"[^a-z0-9]", "", name.lower()) in _WHOLE_KEYS:
        return True, False
    return bool(_SECRET_KEY.search(name)), bool(_COUNTS.search(name))


def _string(value: str, depth: int) -> str:
    if not value.lstrip().startswith(("{", "[")):
        return text(value)
    if not _may_contain_secret(value):
        return value
    repeated = False

    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        nonlocal repeated
        items_by_key = dict(items)
        repeated = repeated or len(items_by_key) != len(items)
        return items_by_key

    try:
        inside = json.loads(value, object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        return text(value)
    cleaned = _clean(inside, depth + 1)
    # Keep the original text if nothing was hidden; with a repeated key the first value could be a secret.
    return text(value) if cleaned == inside and not repeated else json.dumps(cleaned, ensure_ascii=False)
