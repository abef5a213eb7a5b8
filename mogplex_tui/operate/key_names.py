"""The keys that are currently bound to actions, and the texts that show them."""

from __future__ import annotations

from collections.abc import Mapping

# The operator's valid key overrides, by the ids of `key_overrides`.
_KEY_OVERRIDES: dict[str, tuple[str, ...]] = {}

# How keys are shown. Other keys are shown by Textual's name or as their own character.
_KEY_SYMBOLS = {
    "enter": "⏎",
    "slash": "/",
    "colon": ":",
    "ampersand": "&",
    "question_mark": "?",
    "exclamation_mark": "!",
    "dollar_sign": "$",
    "escape": "esc",
    "space": "space",
    "plus": "+",
    "minus": "-",
    "asterisk": "*",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
}
_ASCII_KEY_SYMBOLS = {key: key for key in ("enter", "up", "down", "left", "right")}


def shown_key(key: str, *, ascii_only: bool = False) -> str:
    """Return a key in the form in which the footer and the help show it."""
    if ascii_only and key in _ASCII_KEY_SYMBOLS:
        return _ASCII_KEY_SYMBOLS[key]
    if key in _KEY_SYMBOLS or len(key) == 1 or not _KEY_OVERRIDES:
        return _KEY_SYMBOLS.get(key, key)
    from mogplex_tui.config.keymap import display_name

    return display_name(key)


def set_key_overrides(overrides: Mapping[str, tuple[str, ...]]) -> None:
    """Replace all key overrides; actions without an override get their default keys.

    The overrides must be valid: see `key_overrides`.
    """
    _KEY_OVERRIDES.clear()
    _KEY_OVERRIDES.update(overrides)


def keys_in_force(id: str, defaults: tuple[str, ...]) -> tuple[str, ...]:
    """Return the current keys of an action or cursor movement.

    These are the keys of its override, or `defaults` if there is no override.
    """
    return _KEY_OVERRIDES.get(id, defaults)
