"""Validates the keys that the user sets in `[keys]` of the config file.

This module is imported only if `[keys]` has entries. An entry that is not valid is rejected
with a sentence, and its action keeps the default keys. No entry can remove the keys for
going back, opening a record and running a command by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mogplex_tui.config.keymap import canonical, display_name
from mogplex_tui.operate import action_registry, cursor_movement
from mogplex_tui.operate.kinds.registry import kinds

# Keys that cannot be rebound, with the reason.
FIXED_KEYS: Mapping[str, str] = {
    "ctrl+q": "quits the console",
    "ctrl+c": "copies the selection",
    "tab": "moves the focus",
    "shift+tab": "moves the focus",
}
# Keys that their default actions always keep and that no other action can have: dialogs use them too, and messages name
# screens as `:jobs`.
RESERVED_KEYS = ("escape", "enter", "colon")


# Earlier ids of actions, which config files may still use.
_PAST_IDS = {"runs.new": "runs.start"}


class Keymap(NamedTuple):
    """The valid key overrides, and a sentence for each rejected one; both by id.

    The keys are written with Textual's names.
    """

    keys: Mapping[str, tuple[str, ...]]
    refused: Mapping[str, str]


class KeyOwner(NamedTuple):
    """An action or a cursor movement, with its default keys on each screen.

    An override replaces the keys on all of these screens.
    """

    id: str
    title: str
    keys_by_screen: Mapping[str, tuple[str, ...]]

    @property
    def defaults(self) -> tuple[str, ...]:
        """The default keys, combined from all screens."""
        return tuple(dict.fromkeys(key for keys in self.keys_by_screen.values() for key in keys))


def key_owners() -> dict[str, KeyOwner]:
    """Return all actions and movements that can have keys, by id.

    They are in the order of the registry. Imports every kind.
    """
    titles_and_keys: dict[str, tuple[str, dict[str, tuple[str, ...]]]] = {}

    def add(id: str, title: str, keys: Sequence[str], screen: str) -> None:
        keys_by_screen = titles_and_keys.setdefault(id, (title, {}))[1]
        # The cursor of a screen may move in two places.
        keys_by_screen[screen] = tuple(
            dict.fromkeys((*keys_by_screen.get(screen, ()), *(canonical(key) or key for key in keys)))
        )

    for scope in scopes():
        for action in filter(lambda action: action.defaults, action_registry.in_scope(scope)):
            add(action.id, action.title, action.defaults, scope)
        for place in cursor_movement.places(scope):
            for move in cursor_movement.MOVES:
                add(move.id, move.words[place], move.defaults[place], scope)
    # An overlay over a record scrolls with the same keys and has its own copy key.
    for move in cursor_movement.MOVES:
        add(move.id, move.words[cursor_movement.PAGE], move.defaults[cursor_movement.PAGE], _JSON_OVERLAY)
    add("kind.copy", "copy", action_registry.BY_ID["kind.copy"].defaults, _JSON_OVERLAY)
    return {id: KeyOwner(id, title, screen) for id, (title, screen) in titles_and_keys.items()}


_JSON_OVERLAY = "the pane of the JSON"


def scopes() -> list[str]:
    """Return the scope names of all screens.

    Imports every kind and adds its actions to the registry.
    """
    names = ["runs", "run", "observability", "groups", "waterfall", "costs"]
    for kind in kinds().values():
        action_registry.register_kind(kind)
        names += [kind.name, action_registry.detail_scope(kind.name)]
    return names


def validate_overrides(configured: Mapping[str, object], origin: str) -> Keymap:
    """Check the `[keys]` table and return its valid and its rejected overrides.

    `origin` is the file that has the table, named in the sentences.
    """
    known = key_owners()
    accepted: dict[str, tuple[str, ...]] = {}
    refused: dict[str, str] = {}

    def refuse(id: str, reason: str) -> None:
        accepted.pop(id, None)
        current_keys = f" Current keys: {_shown(known[id].defaults)}." if id in known else ""
        refused[id] = f'"{id}" in [keys] of {origin} was rejected: {reason}{current_keys}'

    for configured_id, value in configured.items():
        id = _PAST_IDS.get(configured_id, configured_id)
        keys, reason = _read(known, id, value)
        if reason:
            refuse(id, reason)
        else:
            accepted[id] = keys
    # A rejected override gets its default keys back, which another override may use.
    while (clash := _find_conflict(known, accepted)) is not None:
        refuse(*clash)
    return Keymap(accepted, refused)


def _shown(keys: Sequence[str]) -> str:
    return " ".join(action_registry.shown_key(display_name(key)) for key in keys)


def _read(known: Mapping[str, KeyOwner], id: str, value: object) -> tuple[tuple[str, ...], str]:
    """Return the keys of one override, and why they are not valid.

    The reason is empty if the override is valid.
    """
    owner = known.get(id)
    if owner is None:
        from difflib import get_close_matches

        suggestions = [_PAST_IDS.get(each, each) for each in get_close_matches(id, [*known, *_PAST_IDS], 1)]
        hint = f'; did you mean "{suggestions[0]}"?' if suggestions else "."
        return (), f"there is no such action{hint} mogplex-tui info --keys lists all actions."
    written = [value] if isinstance(value, str) else value
    if not isinstance(written, list) or not written or not all(isinstance(each, str) for each in written):
        return (), 'write a key or a list of keys, such as "X" or ["X", "ctrl+x"].'
    keys = tuple(dict.fromkeys(canonical(each) or "" for each in written))
    if "" in keys:
        bad = next(each for each in written if canonical(each) is None)
        return (), f"{bad!r} is not a key. Keys are written as x, X, /, f5, escape or ctrl+x."
    for key in keys:
        if key in FIXED_KEYS:
            return (), f"{key} {FIXED_KEYS[key]}. Choose another."
        if key in RESERVED_KEYS and key not in owner.defaults:
            return (), f"{_shown([key])} is reserved. Choose another."
    lost = [key for key in owner.defaults if key in RESERVED_KEYS and key not in keys]
    if lost:
        required_keys = ", ".join(f'"{each}"' for each in (*written, *lost))
        return (), f"{_shown(lost)} cannot be removed. Write [{required_keys}]."
    return keys, ""


def _find_conflict(
    known: Mapping[str, KeyOwner], accepted: Mapping[str, tuple[str, ...]]
) -> tuple[str, str] | None:
    """Find an override with a key that another action uses on the same screen.

    Returns its id and a reason, or None if there is no conflict.
    """
    order = {id: number for number, id in enumerate(accepted)}
    owner_by_key: dict[tuple[str, str], str] = {}
    # Ids without an override come first, so that a clash is found at an override, the later one of two.
    for id in sorted(known, key=lambda id: order.get(id, -1)):
        for screen, default_keys in known[id].keys_by_screen.items():
            for key in accepted.get(id, default_keys):
                other = owner_by_key.setdefault((screen, key), id)
                if other != id and id in accepted:
                    title = known[other].title
                    return id, (
                        f"{_shown([key])} is already the key of {other} ({title}) in {screen}. "
                        f"Choose another, or give {other} another as well."
                    )
    return None
