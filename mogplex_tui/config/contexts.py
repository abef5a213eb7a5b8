"""Contexts, as in kubectl: named services with team, restrictions and colour.

Contexts are stored in `contexts.json` beside `config.toml`; credentials are stored elsewhere.
The file is JSON because commands write it: the standard library can write JSON but not TOML,
and rewriting a TOML file would lose its comments.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from mogplex_tui.config.paths import SMALL_FILE, config_file, read_regular, write_private

COLOURS = ("accent", "success", "warning", "error")
"""The colours that a context's name may have; every theme defines them."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
# The subdirectory of the log files, and the name used for a service without a context.
_RESERVED = {"log", "default"}
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class ContextError(Exception):
    """Raised for an unknown or invalid context, or for a damaged `contexts.json`.

    The message says what to do.
    """


# Attributes of a context -> their keys in contexts.json, where these differ.
_STORED_NAMES = {"credential_store": "kept_in", "credential_kinds": "holds"}
_CREDENTIALS = {"token": "personal access token", "oauth": "browser sign-in", "session": "session cookie"}


@dataclass(frozen=True, slots=True)
class Context:
    """A named service: its address, team, restrictions, colour and credentials.

    `team` is the id of the active team, or None for the personal scope (auth.md §10). If
    `protected` is True, the context's name must be typed before every dangerous action.
    `credential_store` is `keyring` or `file`, or None if no credentials are stored.
    `credential_kinds` lists the kinds of stored credentials: `token`, `oauth`, `session`.
    """

    name: str
    base_url: str
    team: str | None = None
    read_only: bool = False
    protected: bool = False
    colour: str | None = None
    credential_store: str | None = None
    credential_kinds: tuple[str, ...] = ()

    @property
    def rules(self) -> tuple[str, ...]:
        """The restrictions of this context: "read-only", "protected", both or none."""
        return tuple(
            word for word, on in (("read-only", self.read_only), ("protected", self.protected)) if on
        )

    @property
    def signed_in_with(self) -> tuple[str, ...]:
        """The kinds of stored credentials as texts to show, such as "session cookie"."""
        return tuple(_CREDENTIALS.get(kind, kind) for kind in self.credential_kinds)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ContextError(
                f"{self.name!r} is no name for a context: letters, digits, '.', '_' and '-', at most 63."
            )
        if self.name.casefold() in _RESERVED:
            raise ContextError(f"{self.name!r} is a name that the console uses itself. Take another one.")
        if self.team is not None and not _UUID.fullmatch(self.team):
            raise ContextError(f"{self.team!r} is not the id of a team: a UUID of 36 characters.")
        if self.colour is not None and self.colour not in COLOURS:
            raise ContextError(f"{self.colour!r} is no colour of the themes: {', '.join(COLOURS)}.")


class UnstoredContext(NamedTuple):
    """The service that a program uses without a stored context.

    The service is an embedded control plane, or its address was given on the command line or in the
    environment.
    """

    name: str
    service: str


@dataclass(frozen=True, slots=True)
class Contexts:
    """All contexts by name, and the name of the current one."""

    current: str | None = None
    by_name: Mapping[str, Context] = field(default_factory=dict)

    def get(self, name: str) -> Context:
        """Return the context with the given name.

        Raises ContextError, whose message lists all names, if there is no such context.
        """
        if name in self.by_name:
            return self.by_name[name]
        there = f"There are: {', '.join(self.by_name)}." if self.by_name else "There are none yet."
        raise ContextError(f"There is no context {name!r}. {there}")

    def put(self, context: Context, *, use: bool = False) -> Contexts:
        """Return a copy with one context added or replaced.

        If `use` is True or there is no current context, `context` becomes the current one. Raises
        ContextError if the name of `context` differs from another name only in case.
        """
        for name in self.by_name:
            # Files are named after contexts, and some file systems ignore case.
            if name != context.name and name.casefold() == context.name.casefold():
                raise ContextError(f"There is a context {name!r} already, which differs only in case.")
        current = context.name if use or self.current is None else self.current
        return Contexts(current, {**self.by_name, context.name: context})

    def use(self, name: str) -> Contexts:
        """Return a copy in which the named context is the current one.

        Raises ContextError if there is no such context.
        """
        return replace(self, current=self.get(name).name)

    def without(self, name: str) -> Contexts:
        """Return a copy without the named context.

        Raises ContextError if there is no such context.
        """
        self.get(name)
        left = {key: value for key, value in self.by_name.items() if key != name}
        return Contexts(None if self.current == name else self.current, left)

    def renamed(self, old: str, new: str) -> Contexts:
        """Return a copy in which the context `old` is called `new`.

        Raises ContextError if there is no context `old` or there is already a context `new`.
        """
        context = self.get(old)
        if new in self.by_name:
            raise ContextError(f"There is a context {new!r} already.")
        others = self.without(old).put(replace(context, name=new))
        ordered = {new if key == old else key: value for key, value in self.by_name.items()}
        return Contexts(
            new if self.current == old else self.current, {key: others.by_name[key] for key in ordered}
        )


def contexts_file() -> Path:
    """Return the path of `contexts.json`, even if the file does not exist."""
    return config_file().parent / "contexts.json"


def read(path: Path | None = None) -> Contexts:
    """Return the contexts stored in `contexts.json`; a missing file contains none.

    `path` is the path of another file to read. Raises ContextError if the file is unreadable or
    damaged.
    """
    path = path or contexts_file()
    try:
        text = read_regular(path, SMALL_FILE)
    except FileNotFoundError:
        return Contexts()
    except OSError as error:
        raise ContextError(f"{path} could not be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise ContextError(f"{path} is damaged (it is no text). Mend it or move it away.") from None
    try:
        return _parsed(text)
    except (ContextError, TypeError) as error:
        raise ContextError(
            f"{path} is damaged ({str(error).rstrip('.')}). Mend it or move it away."
        ) from None


def _parsed(text: str) -> Contexts:
    """Parse the text of `contexts.json`.

    Raises TypeError or ContextError with the reason if the text is not valid.
    """
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        at = f"it is no JSON from line {error.lineno}, column {error.colno} on"
        raise TypeError(at if text.strip() else "it is empty") from None
    except (ValueError, RecursionError):
        raise TypeError("it is no JSON that can be read") from None
    if not isinstance(data, dict):
        raise TypeError("it is no JSON object")
    kept = data.get("contexts") or {}
    if not isinstance(kept, dict):
        raise TypeError("contexts is no object")
    stored = {name: Context(name, **_fields(name, value)) for name, value in kept.items()}
    current = data.get("current")
    return Contexts(current if isinstance(current, str) and current in stored else None, stored)


def change(how: Callable[[Contexts], Contexts], path: Path | None = None) -> Contexts:
    """Replace the stored contexts with the result of `how`, and return the result.

    `how` is called with the stored contexts. Meanwhile a lock keeps other processes from changing
    them. Raises ContextError if the file is damaged or cannot be written.
    """
    from mogplex_tui.config.file_locks import locked

    path = path or contexts_file()
    try:
        with locked(path.with_suffix(".lock")):
            changed = how(read(path))
            write_private(path, _text(changed))
    except OSError as error:
        raise ContextError(f"{path} could not be written: {error}.") from None
    return changed


def _text(contexts: Contexts) -> str:
    stored = {
        context.name: {
            _STORED_NAMES.get(name, name): list(value) if isinstance(value, tuple) else value
            for name in (
                "base_url",
                "team",
                "read_only",
                "protected",
                "colour",
                "credential_store",
                "credential_kinds",
            )
            if (value := getattr(context, name)) not in (None, False, ())
        }
        for context in contexts.by_name.values()
    }
    return json.dumps({"current": contexts.current, "contexts": stored}, indent=2, ensure_ascii=False) + "\n"


def _fields(name: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a stored context as arguments for `Context`.

    Raises TypeError if a field has the wrong type or the address is missing.
    """
    if not isinstance(value, dict):
        raise TypeError(f"context {name} is no object")
    known: dict[str, Any] = {}
    kinds = {
        "base_url": str,
        "team": str,
        "colour": str,
        "credential_store": str,
        "read_only": bool,
        "protected": bool,
    }
    for attribute, kind in kinds.items():
        key = _STORED_NAMES.get(attribute, attribute)
        if value.get(key) is None:
            continue
        if not isinstance(value[key], kind):
            raise TypeError(f"{key} of context {name} is not {'text' if kind is str else 'true or false'}")
        known[attribute] = value[key]
    if "base_url" not in known:
        raise TypeError(f"context {name} has no base_url")
    credential_kinds = value.get(_STORED_NAMES["credential_kinds"])
    if not isinstance(credential_kinds, list):
        credential_kinds = []
    return {**known, "credential_kinds": tuple(str(kind) for kind in credential_kinds)}
