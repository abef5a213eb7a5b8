"""Takes secrets out of what the service sends before anybody sees it (the rules of v1.md §8.4).

v1 does this itself; observability does not, and the console shows both alike.
"""

from __future__ import annotations

import json
import re
from typing import Any

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
_COUNTS = re.compile(r"tokens?$|_count$", re.IGNORECASE)
_PATTERNS = (
    (re.compile(r"\bBearer\s+[^\s\"'\\]+"), f"Bearer {REDACTED}"),
    (re.compile(r"x-access-token:[^@\s]+@"), f"x-access-token:{REDACTED}@"),
    (
        re.compile(r"gh[oprsu]_[A-Za-z0-9_]+|github_pat_[A-Za-z0-9_]+|sk-[A-Za-z0-9_-]{8,}|sb_secret_\w+"),
        REDACTED,
    ),
    (re.compile(r"\bmog_[A-Za-z0-9]{8,}"), REDACTED),
)


def text(value: str) -> str:
    """Return a text without what looks like a credential."""
    for pattern, instead in _PATTERNS:
        value = pattern.sub(instead, value)
    return value


def payload(value: Any) -> Any:
    """Return a JSON value of any depth with secrets replaced; nothing else is changed or cut."""
    if isinstance(value, dict):
        return {key: REDACTED if _secret(key, item) else payload(item) for key, item in value.items()}
    if isinstance(value, list):
        return [payload(item) for item in value]
    if isinstance(value, str):
        return _string(value)
    return value


def _secret(key: Any, item: Any) -> bool:
    name = str(key)
    if re.sub(r"[^a-z0-9]", "", name.lower()) in _WHOLE_KEYS:
        return True
    if not _SECRET_KEY.search(name):
        return False
    return not (isinstance(item, int | float) and _COUNTS.search(name))


def _string(value: str) -> str:
    if value[:1] in "{[" and len(value) < 100_000:
        try:
            inside = json.loads(value)
        except ValueError:
            return text(value)
        return json.dumps(payload(inside), ensure_ascii=False)
    return text(value)
