"""Parameters that several kinds use: optional texts and yes-or-no values."""

from __future__ import annotations

from mogplex_tui.operate.model import Parameter

NO_YES = ("no", "yes")
"""The choices of a yes-or-no parameter."""


def optional_text(name: str, help: str, *, when_empty: str = "") -> Parameter[str | None]:
    """Return a text parameter whose value is None if it is left empty."""
    return Parameter(name, help, lambda text: text.strip() or None, when_empty=when_empty)


def _is_yes(text: str) -> bool:
    if text not in NO_YES:
        raise ValueError("Choose yes or no.")
    return text == "yes"


def flag(name: str, help: str) -> Parameter[bool]:
    """Return a yes-or-no parameter; its option without a value means yes."""
    return Parameter(name, help, _is_yes, default="no", choices=NO_YES)
