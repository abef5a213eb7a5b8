"""Make text from the service safe to show: one line, no control characters.

Credentials in the text are hidden.
"""

from __future__ import annotations

import re

# Control characters, invisible characters, direction marks and lone surrogates.
_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
_CREDENTIAL = re.compile(
    r"mog_[A-Za-z0-9]{4,}|(?<=Bearer )[^\s\"',]+|gh[oprsu]_[A-Za-z0-9]{8,}|github_pat_\w{8,}|sk-[\w-]{8,}"
)

# The token of an invite: everyone who has it may join the team (identity.md §8).
_SECRET_STEP = re.compile(r"(?<=^/api/invites/)[^/?]+")


def _shown(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def visible(text: str, limit: int = 300) -> str:
    """Return text as one line that is safe to show.

    Control characters become visible, credentials are hidden, and text of more than `limit`
    characters is cut and ends with an ellipsis.
    """
    line = " ".join(text[: limit * 4].split())
    line = _CONTROL.sub(_shown, _CREDENTIAL.sub("••••", line))
    return line if len(line) <= limit else line[: limit - 1] + "…"


def short_id(identifier: str) -> str:
    """Return the first eight characters of an id, for display."""
    return visible(identifier, 64)[:8]


def shown_path(path: str) -> str:
    """Return a path for a log or an error message, with its secrets hidden."""
    return _SECRET_STEP.sub("••••", path)
