"""Takes secrets out of what the service sends before anybody sees it (the rules of v1.md §8.4).

v1 does this itself; observability does not, and the console shows both alike.
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
# Harmless keys that the service's own rule hits too; a number in them is a count, never a secret.
_COUNTS = re.compile(r"[Tt]okens(?![a-z])|TOKENS|(?:_count|Count|_limit|Limit)$")
# A key may follow a letter only where that letter ends an escape; else every `task-…` would be taken for one.
_START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"
_PATTERNS = (
    (re.compile(r"Bearer\s+[^\s\"'\\]+"), f"Bearer {REDACTED}"),
    (re.compile(r"x-access-token:[^@\s]+@"), f"x-access-token:{REDACTED}@"),
    (re.compile(r"gh[oprsu]_[A-Za-z0-9_]+|github_pat_[A-Za-z0-9_]+|sb_secret_[\w-]+"), REDACTED),
    (re.compile(_START + r"sk-[A-Za-z0-9_-]{8,}"), REDACTED),
    (re.compile(_START + r"mog_[A-Za-z0-9]{8,}"), REDACTED),
)
# What each pattern cannot do without: looking for these costs far less than five searches in every text.
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
# The same for keys, in lower case and without anything but letters and digits.
_KEY_MARKS = (
    b"authorization", b"apikey", b"token", b"secret", b"password", b"cookie", b"credential", b"session", b"jwt", b"env",
    b"aibillingsource",
)  # fmt: skip
_NEITHER_LETTER_NOR_DIGIT = bytes(set(range(256)) - set(b"abcdefghijklmnopqrstuvwxyz0123456789"))
# The service keeps four levels; whatever is deeper than this is no payload of its own (v1.md §8.4).
_DEEPEST = 64
TOO_DEEP = "[nested too deeply]"


def text(value: str) -> str:
    """Return a text without what looks like a credential."""
    if not any(mark in value for mark in _MARKS):
        return value
    for pattern, instead in _PATTERNS:
        value = pattern.sub(instead, value)
    return value


def packed(value: object) -> bytes:
    """Return a JSON value as compact JSON without its secrets; half a surrogate pair is kept as it came."""
    try:
        plain = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        plain = ""
    if not plain or _suspect(plain):
        plain = json.dumps(payload(value), ensure_ascii=False, separators=(",", ":"))
    return plain.encode("utf-8", "surrogatepass")


def _suspect(dumped: str) -> bool:
    """Whether a JSON text may hold anything that has to go; a false alarm costs only time."""
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
    """Return a JSON value with secrets replaced; nothing else is changed or cut above 64 levels."""
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
    # Nothing, yes and no give nothing away; masked, they would look like something that is there.
    if item is None or isinstance(item, bool):
        return False
    hides, is_count = _key(str(key))
    return hides and not (is_count and isinstance(item, int | float))


@lru_cache(4096)
def _key(name: str) -> tuple[bool, bool]:
    """Return whether a key hides its value, and whether a number in it is only a count."""
    if re.sub(r"[^a-z0-9]", "", name.lower()) in _WHOLE_KEYS:
        return True, False
    return bool(_SECRET_KEY.search(name)), bool(_COUNTS.search(name))


def _string(value: str, depth: int) -> str:
    if not value.lstrip().startswith(("{", "[")):
        return text(value)
    if not _suspect(value):
        return value
    repeated = False

    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        nonlocal repeated
        made = dict(items)
        repeated = repeated or len(made) != len(items)
        return made

    try:
        inside = json.loads(value, object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        return text(value)
    cleaned = _clean(inside, depth + 1)
    # Its own spelling stays where nothing was hidden; a name given twice might hide one in the first.
    return text(value) if cleaned == inside and not repeated else json.dumps(cleaned, ensure_ascii=False)
