"""What the console was told, and by whom: command line over environment over config file over default."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from mogplex_tui.config.paths import config_file
from mogplex_tui.config.secret import Secret

T = TypeVar("T")

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"", "0", "false", "no", "off"}


class SettingsError(Exception):
    """A setting that cannot be used; the text says which, where it came from and what would do."""


@dataclass(frozen=True, slots=True)
class Sourced(Generic[T]):
    """A value and where it came from, in words a person can act on."""

    value: T
    origin: str


@dataclass(frozen=True)
class Settings:
    """Everything that decides how the console starts; every value knows its origin."""

    base_url: Sourced[str | None]
    token: Sourced[Secret | None]
    session_cookie: Sourced[Secret | None]
    read_only: Sourced[bool]
    theme: Sourced[str | None]
    ascii: Sourced[bool]
    reduced_motion: Sourced[bool]
    tab_line: Sourced[bool]
    context: str = "default"
    # An embedded plane lives in a file that goes away with it, so nothing about it is worth keeping.
    ephemeral: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


# key -> (environment variables in order, default)
_TABLE: dict[str, tuple[tuple[str, ...], Any]] = {
    "base_url": (("MOGPLEX_BASE_URL", "MOGPLEX_URL"), None),
    "token": (("MOGPLEX_TOKEN", "MOGPLEX_API_KEY"), None),
    "session_cookie": (("MOGPLEX_SESSION_COOKIE",), None),
    "read_only": (("MOGPLEX_READ_ONLY",), False),
    "theme": (("MOGPLEX_THEME",), None),
    "ascii": (("MOGPLEX_ASCII",), False),
    "reduced_motion": (("MOGPLEX_REDUCED_MOTION",), False),
    "tab_line": ((), True),
}
_SECRET = {"token", "session_cookie"}
_BOOLEAN = {"read_only", "ascii", "reduced_motion", "tab_line"}


def load(
    arguments: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    path: Path | None = None,
    *,
    context: str | None = None,
    ephemeral: bool = False,
) -> Settings:
    """Resolve every setting by precedence.

    Args:
        arguments: what the command line said; a missing or None value means that it said nothing.
        environ: the environment (default: the process's).
        path: the config file (default: the platform's); it may be missing.
        context: the name under which state is kept; None takes MOGPLEX_CONTEXT, else `default`.
        ephemeral: whether nothing is to be kept on disk.

    Raises:
        SettingsError: the config file does not parse, or a value is of the wrong kind.
    """
    environ = os.environ if environ is None else environ
    path = path or config_file()
    stored = _read(path)
    values: dict[str, Any] = {key: _resolve(key, arguments or {}, environ, stored, path) for key in _TABLE}
    name = context or environ.get("MOGPLEX_CONTEXT", "").strip() or "default"
    return Settings(**values, context=name, ephemeral=ephemeral)


def _read(path: Path) -> Mapping[str, Any]:
    if not path.exists():
        return {}
    # Most people have no such file, and its parser costs time before the first frame.
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} could not be read: {error}. Mend it or move it away.") from error


def _resolve(
    key: str, arguments: Mapping[str, Any], environ: Mapping[str, str], stored: Mapping[str, Any], path: Path
) -> Sourced[Any]:
    variables, default = _TABLE[key]
    if arguments.get(key) is not None:
        return Sourced(_coerce(key, arguments[key], "the command line"), "the command line")
    for variable in variables:
        if environ.get(variable, "").strip():
            return Sourced(_coerce(key, environ[variable], variable), variable)
    # Credentials are never taken from the config file: people share and publish that file.
    if key in stored and key not in _SECRET:
        return Sourced(_coerce(key, stored[key], str(path)), str(path))
    return Sourced(default, "default")


def _coerce(key: str, value: Any, origin: str) -> Any:
    if key in _BOOLEAN:
        if isinstance(value, bool):
            return value
        word = str(value).strip().lower()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
        raise SettingsError(f"{key} from {origin} must be true or false, not {value!r}.")
    if not isinstance(value, str | Secret):
        raise SettingsError(f"{key} from {origin} must be text.")
    if key in _SECRET:
        return value if isinstance(value, Secret) else Secret(value.strip())
    return str(value).strip()
