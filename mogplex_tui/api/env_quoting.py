"""Quote environment variables so that the service stores them unchanged.

Contract: projects.md §3.3.
"""

from __future__ import annotations

_QUOTE = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quoted_env_value(value: str) -> str:
    """Quote the value of an environment variable so that it is stored unchanged.

    The service removes one pair of quotes around a value. A value that begins and ends with the
    same quote therefore gets another pair; any other value is returned as it is.
    """
    # Characters that either side may count as blank. Quoting a value without need is harmless: the service removes the
    # quotes.
    inner = value.strip().strip("\ufeff").strip()
    if not inner or inner[0] != inner[-1] or inner[0] not in "\"'":
        return value
    return '"' + "".join(_QUOTE.get(char, char) for char in value) + '"'
