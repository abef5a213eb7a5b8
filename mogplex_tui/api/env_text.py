"""Environment variables in the form that the service keeps unchanged (projects.md §3.3)."""

from __future__ import annotations

_QUOTE = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quoted_env_value(value: str) -> str:
    """Return a value so that the service stores exactly it: one in quotes would lose them, so it gets quotes more."""
    # What either side might call blank: judging a value quoted that is not only adds quotes that are read off again.
    inner = value.strip().strip("\ufeff").strip()
    if not inner or inner[0] != inner[-1] or inner[0] not in "\"'":
        return value
    return '"' + "".join(_QUOTE.get(char, char) for char in value) + '"'
