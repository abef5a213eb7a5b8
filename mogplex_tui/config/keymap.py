"""The `[keys]` table of the config file, and the names of keys.

A key has up to three names: the name in the config file, Textual's name, and the name shown on
the screen. This module is imported only if the config file has a `[keys]` table.
"""

from __future__ import annotations

import contextlib
import string
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

# Textual's names of characters whose own Unicode name is long.
_SHORT: Final = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}
_EDITING: Final = ("escape", "enter", "tab", "space", "backspace", "delete", "insert")
_ARROWS: Final = ("up", "down", "left", "right", "home", "end", "pageup", "pagedown")
_NAMED: Final = frozenset({*_EDITING, *_ARROWS, *(f"f{number}" for number in range(1, 25))})
# Other names that people use for keys.
_CALLED: Final = {
    "esc": "escape",
    "return": "enter",
    "⏎": "enter",
    "del": "delete",
    "ins": "insert",
    "pgup": "pageup",
    "pgdn": "pagedown",
    "↑": "up",
    "↓": "down",
    "←": "left",
    "→": "right",
}
# Modifiers in the order in which Textual writes them.
_MODIFIERS: Final = ("alt", "ctrl", "hyper", "meta", "shift", "super")
# Keys for which terminals send the same code.
_THE_SAME: Final = {
    "ctrl+i": "tab",
    "ctrl+m": "enter",
    "ctrl+left_square_bracket": "escape",
}
# Keys for which terminals send different codes, so that a binding would not work everywhere.
_UNSURE: Final = frozenset({"ctrl+space", "ctrl+at"})


def _of_character(character: str) -> str | None:
    if character == " ":
        return "space"
    if character.isalnum():
        return character
    if not character.isprintable() or not (name := unicodedata.name(character, "")):
        return None
    plain = name.lower().replace("-", "_").replace(" ", "_")
    return _SHORT.get(plain, plain)


_SIGNS: Final = {_of_character(character) or "": character for character in string.punctuation}


@cache
def canonical(written: str) -> str | None:
    """Return Textual's name for a key as written in the config file, or None.

    A key is written as its character (`X`, `/`), by its name (`escape`, `f5`, `question_mark`),
    or with modifiers (`ctrl+x`); `shift+x` is `X`. Keys for which terminals send the same code
    have the same name. The result is None for an unknown key, and for a key that does not work in
    all terminals or on all keyboards.
    """
    text = written if written == " " else written.strip()
    if text in _CALLED or len(text) == 1:
        return _CALLED.get(text) or _of_character(text)
    if text.endswith("++"):
        text = f"{text[:-1]}plus"
    *before, base = text.split("+")
    modifiers = {each.strip().lower() for each in before}
    name = _base(base.strip())
    if name is None or len(modifiers) < len(before) or not modifiers <= set(_MODIFIERS):
        return None
    letter = len(name) == 1
    if letter and name.isalpha() and modifiers == {"shift"}:
        return name.upper()
    if modifiers:
        # With ctrl, a capital letter means shift, but people write ctrl+X for ctrl+x.
        if letter and name != name.lower() and "ctrl" not in modifiers:
            modifiers.add("shift")
        name = name.lower()
    if (letter or name in _SIGNS) and modifiers == {"shift"}:
        # What shift produces depends on the keyboard: the character itself has to be written.
        return None
    key = "+".join([*(each for each in _MODIFIERS if each in modifiers), name])
    return None if key in _UNSURE else _THE_SAME.get(key, key)


def _base(text: str) -> str | None:
    if len(text) == 1:
        return _CALLED.get(text) or _of_character(text)
    name = text.lower()
    name = _CALLED.get(name, name)
    return name if name in _NAMED or name in _SIGNS else None


def display_name(key: str) -> str:
    """Return the name to show for a key, given Textual's name for it.

    It is the key's character, or Textual's name if the key has no character.
    """
    *before, base = key.split("+")
    if base not in _SIGNS and base not in _NAMED and len(base) > 1:
        with contextlib.suppress(KeyError):
            base = unicodedata.lookup(base.replace("_", " "))
    return "+".join([*before, _SIGNS.get(base, base)])


def flat(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `[keys]` table as a flat mapping of action ids to values.

    TOML parses an unquoted `runs.cancel` as a table `runs` with the key `cancel`; the two names
    are joined again.
    """
    found: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, Mapping):
            found.update({f"{name}.{rest}": each for rest, each in flat(value).items()})
        else:
            found[name] = value
    return found
