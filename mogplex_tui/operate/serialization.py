"""JSON and CSV text with credentials masked and control characters escaped.

Commands print these texts and the console writes them to files, so both have the same format.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import partial

from mogplex_tui.api.safe_text import visible
from mogplex_tui.config.secret import Secret
from mogplex_tui.live import redact
from mogplex_tui.operate import formatting

MASK = "[hidden]"
"""The text that is written in place of a secret."""
LONGEST_CELL = 400
LONGEST_FIELD = 1_000_000
# Longer than any credential, so that a cut text holds a credential whole or not at all.
_CREDENTIAL_MARGIN = 8_192
_CONTROL_ESCAPES = {code: f"\\x{code:02x}" for code in range(0x20)}
# The start of a cell that a spreadsheet takes for a formula; numbers are none.
_FORMULA_START = re.compile(r"[=@]|[+-](?!\d*\.?\d+(?:[eE][+-]?\d+)?\Z)")
# Control and direction characters that affect a terminal. JSON itself escapes only those below U+0020.
_TERMINAL_CONTROLS = re.compile(
    "[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


class RevealedSecret(str):
    """A secret that the user asked to see, which output does not mask.

    It is printed in full, with control characters escaped.
    """

    __slots__ = ()


class Scrubber:
    """Masks credentials and escapes control characters in printed or saved values.

    `scrub` replaces the credentials of the context in use; it does not know any others.
    """

    def __init__(self, scrub: Callable[[str], str] = str) -> None:
        self._scrub = scrub

    def line(self, text: str, limit: int = LONGEST_CELL) -> str:
        """Return a text as one line of at most `limit` characters.

        The credentials in a RevealedSecret are not masked.
        """
        if isinstance(text, RevealedSecret):
            return _TERMINAL_CONTROLS.sub(_json_escape, text).translate(_CONTROL_ESCAPES)
        # Cut later than the limit, so that no credential is split within the part that is shown.
        return visible(self.text(text[: limit * 4 + _CREDENTIAL_MARGIN]), limit)

    def text(self, text: str) -> str:
        """Return a text of any number of lines with its credentials masked."""
        return redact.text(self._scrub(text))

    def block(self, text: str) -> str:
        """Return a text of many lines, control characters escaped, credentials masked."""
        return "\n".join(escape_controls(line) for line in self.text(text).splitlines())

    def value(self, value: object) -> object:
        """Return a JSON value with the credentials in its texts masked."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.value(str(key)): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value

    def json(
        self,
        value: object,
        *,
        is_redacted: bool = False,
        ascii_only: bool = False,
        compact: bool = True,
        indent: int | None = None,
    ) -> str:
        """Return a value as JSON text.

        `is_redacted` says that all credentials except those of the context in use are already masked.
        This saves time: a run can have tens of thousands of events.
        """
        text = json_text(
            value if is_redacted else self.value(value), ascii_only=ascii_only, compact=compact, indent=indent
        )
        return _TERMINAL_CONTROLS.sub(_json_escape, self._scrub(text) if is_redacted else text)

    def csv(self, cells: Iterable[str]) -> str:
        """Return one line of comma-separated values (RFC 4180), without a line end.

        A text that a spreadsheet would take for a formula gets an apostrophe at its beginning.
        """
        line = io.StringIO()
        shown = (self.line(text, LONGEST_FIELD) for text in cells)
        csv.writer(line, lineterminator="").writerow(_escape_formula(text) for text in shown)
        return line.getvalue()


def exact_text(value: object) -> str:
    """Return a value as a CSV cell.

    Times are UTC, decimals are plain, flags are `yes` or `no`, and None is "".
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return formatting.utc(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Secret):
        return MASK
    if isinstance(value, list | tuple):
        return ", ".join(map(exact_text, value))
    if isinstance(value, Mapping):
        return json_text(value, default=exact_text)
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    return value if isinstance(value, RevealedSecret) else str(value)


def json_text(
    value: object,
    *,
    ascii_only: bool = False,
    compact: bool = False,
    indent: int | None = None,
    default: Callable[[object], str | None] | None = None,
) -> str:
    """Return a value as JSON text.

    Times are UTC, decimals are strings, and NaN is null. `default` returns a text for a value
    of any other type that JSON does not support.
    """
    write = partial(
        json.dumps,
        ensure_ascii=ascii_only,
        separators=(",", ":") if compact else None,
        indent=indent,
        default=default or _json_default,
        allow_nan=False,
    )
    try:
        return write(value)
    except ValueError:
        # NaN and infinity are not JSON, but Python's parser accepts them from the service.
        return write(_finite(value))


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def _escape_formula(cell: str) -> str:
    return f"'{cell}" if _FORMULA_START.match(cell) else cell


def escape_controls(text: str) -> str:
    """Return a text with control characters escaped; spaces are kept."""
    return _TERMINAL_CONTROLS.sub(_json_escape, text.expandtabs()).translate(_CONTROL_ESCAPES)


def _json_escape(match: re.Match[str]) -> str:
    # In JSON these characters can only be in a string, where an escape means the same character.
    units = match.group().encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _json_default(value: object) -> str | None:
    if isinstance(value, datetime):
        return formatting.utc(value)
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else None
    raise TypeError(f"{type(value).__name__} has no form in JSON")
