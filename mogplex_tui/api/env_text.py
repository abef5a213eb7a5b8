"""Environment variables as `.env` text and in the form that the service keeps unchanged (projects.md §3.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mogplex_tui.api.errors import InvalidInput

_DOUBLE = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_SINGLE = {"\\": "\\", "'": "'"}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_QUOTE = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def unquoted(text: str) -> str:
    """Return a value out of its matching quotes, its escapes read; any other value stays as it is, untrimmed."""
    inner = _trimmed(text)
    if len(inner) < 2 or inner[0] != inner[-1] or inner[0] not in "\"'":
        return text
    known = _DOUBLE if inner[0] == '"' else _SINGLE
    return _ESCAPE.sub(lambda match: known.get(match[1], match[0]), inner[1:-1])


def on_the_wire(value: str) -> str:
    """Return a value so that the service stores exactly it: one in quotes would lose them, so it gets quotes more."""
    inner = _trimmed(value)
    if not inner or inner[0] != inner[-1] or inner[0] not in "\"'":
        return value
    return _quoted(value)


def read_env(text: str) -> dict[str, str]:
    """Return names and values of a `.env` text; raises InvalidInput that names the first bad line, never its content.

    A later line wins over an earlier one of the same name.
    """
    found: dict[str, str] = {}
    # Not splitlines: a form feed or a line separator may be part of a value.
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, split, value = line.partition("=")
        if not split or not name.strip():
            raise InvalidInput(f"Line {number} is not of the form NAME=value")
        found[name.strip()] = unquoted(value)
    return found


def write_env(values: Mapping[str, str]) -> str:
    """Return variables as `.env` text by name, quoted where the plain value would be read back as another."""
    lines = []
    for name in sorted(values):
        value = values[name]
        plain = unquoted(value) == value and value == value.strip() and not re.search(r"[\n\r\t]", value)
        lines.append(f"{name}={value if plain else _quoted(value)}\n")
    return "".join(lines)


def _quoted(value: str) -> str:
    return '"' + "".join(_QUOTE.get(char, char) for char in value) + '"'


def _trimmed(text: str) -> str:
    # What either side might call blank: judging a value quoted that is not only adds quotes that are read off again.
    return text.strip().strip("\ufeff").strip()
