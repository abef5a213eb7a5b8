"""The settings of the console and its commands, each with its origin.

The command line has precedence over the environment, the environment over the context, the
context over the config file, and the config file over the default.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from mogplex_tui.config.paths import SMALL_FILE, config_file, read_regular
from mogplex_tui.config.secret import Secret

if TYPE_CHECKING:
    from mogplex_tui.config.contexts import Context
    from mogplex_tui.config.credential_store import Grant, StoredCredential

T = TypeVar("T")

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"", "0", "false", "no", "off"}


class SettingsError(Exception):
    """Raised for a setting whose value cannot be used.

    The message names the setting and its origin, and says what to do.
    """


class CredentialsError(SettingsError):
    """Raised if stored credentials cannot be read.

    For example, the keyring is locked or the file with the credentials is damaged.
    """


class Sourced(NamedTuple, Generic[T]):
    """The value of a setting, and its origin: a text that says where it was set."""

    value: T
    origin: str


class Settings(NamedTuple):
    """All settings of a console or command.

    Most of them are stored as `Sourced`, the value with its origin.
    """

    base_url: Sourced[str | None]
    token: Sourced[Secret | None]
    session_cookie: Sourced[Secret | None]
    read_only: Sourced[bool]
    theme: Sourced[str | None]
    ascii: Sourced[bool]
    reduced_motion: Sourced[bool]
    tab_line: Sourced[bool]
    # The id of the active team; whether dangerous actions need the context's name; the colour of that name.
    team: Sourced[str | None]
    protected: Sourced[bool]
    colour: Sourced[str | None]
    # The keys of actions by id, as the file has them: `operate.key_overrides` decides which of them hold.
    keys: Sourced[Mapping[str, Any]]
    # The columns of lists by kind, from the left; unknown names are ignored.
    columns: Sourced[Mapping[str, Sequence[str]]]
    # The largest response that is read, in megabytes after decompression.
    max_answer_mb: Sourced[int]
    context: str = "default"
    context_origin: str = "default"
    # The OAuth pair, if `token` comes from a browser sign-in and is renewed.
    grant: Grant | None = None
    credential_store: str | None = None
    # True for an embedded plane, whose database is temporary: nothing about it is stored.
    ephemeral: bool = False


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
    "team": (("MOGPLEX_TEAM",), None),
    "protected": (("MOGPLEX_PROTECTED",), False),
    "colour": ((), None),
    "max_answer_mb": (("MOGPLEX_MAX_ANSWER_MB",), 64),
}
_SECRET = {"token", "session_cookie"}
_BOOLEAN = {"read_only", "ascii", "reduced_motion", "tab_line", "protected"}
# Integer settings with their smallest and largest value.
_NUMBER = {"max_answer_mb": (1, 4096)}
# Settings that belong to a context; the others belong to the user and the terminal.
_OF_A_CONTEXT = ("base_url", "team", "read_only", "protected", "colour")
# Settings that name one service and its credentials.
_OF_THIS_START = ("base_url", "team", "token", "session_cookie")


def load(
    arguments: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    path: Path | None = None,
    *,
    context: str | None = None,
    ephemeral: bool = False,
    contexts: bool = True,
    credentials: bool = True,
) -> Settings:
    """Return all settings, each from the source with the highest precedence.

    `arguments` are the settings on the command line; None as a value means that the setting was
    not given. `environ` is the environment, by default that of the process. `path` is the path of
    the config file, by default that of the platform; the file may be missing. `contexts.json` is in
    the same directory.

    `context` is a name to use for state directories; no stored context is then used. If `context`
    is None, the stored context that `--context` or MOGPLEX_CONTEXT names is used, or else the
    current context. If there is none of these, the name is `default`. If `contexts` is False,
    stored contexts are ignored. If `credentials` is False, stored credentials are not read;
    `credential_store` still says where they are. `ephemeral` is stored in the result; if it is
    True, nothing about the service must be stored on disk.

    Raises SettingsError if a file cannot be parsed, a value has the wrong type, or the named
    context does not exist.
    """
    environ = os.environ if environ is None else environ
    arguments = arguments or {}
    path = path or config_file()
    stored = _read(path)
    name, origin = _named(arguments, environ, context)
    chosen = None
    if contexts and context is None:
        chosen, origin = _choose(name, origin, arguments, environ, path)
        name = chosen.name if chosen is not None else name
    values: dict[str, Any] = {key: _resolve(key, arguments, environ, chosen, stored, path) for key in _TABLE}
    grant = None
    if chosen is not None and credentials:
        grant = _signed_in(values, chosen)
    return Settings(
        **values,
        keys=_keys(stored, path),
        columns=_columns(stored, path),
        context=name or "default",
        context_origin=origin,
        grant=grant,
        credential_store=chosen.credential_store if chosen is not None else None,
        ephemeral=ephemeral,
    )


def variables_of(key: str) -> tuple[str, ...]:
    """Return the names of the environment variables that set a setting."""
    return _TABLE[key][0]


def load_other(
    name: str,
    arguments: Mapping[str, Any],
    environ: Mapping[str, str] | None = None,
    path: Path | None = None,
) -> Settings:
    """Return the settings for the stored context `name`, to switch to it.

    The service, the team and the credentials on the command line and in the environment belong to
    the context with which the program started. They are left out, so that no credential is sent to
    another service.

    Raises SettingsError as `load` does.
    """
    environ = os.environ if environ is None else environ
    left_out = {variable for key in _OF_THIS_START for variable in _TABLE[key][0]}
    return load(
        {key: value for key, value in arguments.items() if key not in _OF_THIS_START} | {"context": name},
        {variable: value for variable, value in environ.items() if variable not in left_out},
        path,
    )


def _named(
    arguments: Mapping[str, Any], environ: Mapping[str, str], context: str | None
) -> tuple[str | None, str]:
    if context:
        return context, "this command"
    if arguments.get("context"):
        return str(arguments["context"]).strip(), "the command line"
    if name := environ.get("MOGPLEX_CONTEXT", "").strip():
        return name, "MOGPLEX_CONTEXT"
    return None, "default"


def _choose(
    name: str | None, origin: str, arguments: Mapping[str, Any], environ: Mapping[str, str], path: Path
) -> tuple[Context | None, str]:
    """Return the context to use, or None for no context, and the origin of the choice.

    If a context is named, it is used. It must be for the address in `arguments` or `environ`, if
    there is one; otherwise SettingsError is raised. An unknown name also raises SettingsError,
    except that MOGPLEX_CONTEXT may name an unknown context if an address is given.

    If no context is named, the current context is used, unless an address of another service is
    given.
    """
    from mogplex_tui.config.contexts import ContextError, contexts_file, read

    file = path.parent / contexts_file().name
    elsewhere = _resolve("base_url", arguments, environ, None, {}, path).value
    try:
        known = read(file)
        if name is not None:
            if name not in known.by_name and elsewhere is not None and origin != "the command line":
                return None, origin
            chosen = known.get(name)
            if elsewhere is not None and not same_service(elsewhere, chosen.base_url):
                raise ContextError(
                    f"The context {name} is for {chosen.base_url}, but {elsewhere} is named beside it. Leave one out."
                )
            return chosen, origin
        if known.current is None:
            return None, "default"
        current = known.get(known.current)
    except ContextError as error:
        raise SettingsError(str(error)) from None
    if elsewhere is not None and not same_service(elsewhere, current.base_url):
        return None, "default"
    return current, str(file)


def _signed_in(values: dict[str, Sourced[Any]], context: Context) -> Grant | None:
    """Add the context's stored credentials to `values`, where `values` has none.

    Returns the OAuth tokens if the access token is one of them, otherwise None.
    """
    missing = [key for key in ("token", "session_cookie") if values[key].value is None]
    if context.credential_store is None or not missing:
        return None
    from mogplex_tui.config.credential_store import CredentialStoreError, load

    try:
        record = load(context.name, context.credential_store)
    except CredentialStoreError as error:
        if len(missing) == 1:
            # The environment gave the other credential, which is enough to continue.
            return None
        raise CredentialsError(str(error)) from None
    # A credential is only sent to the address that it was stored for.
    if record is None or not same_service(record.base_url, values["base_url"].value or ""):
        return None
    origin = f"context {context.name} ({_place(context)})"
    for key in missing:
        value = _held(record, key)
        if value is not None:
            values[key] = Sourced(value, origin)
    return record.grant if "token" in missing and record.token is None else None


def _held(record: StoredCredential, key: str) -> Secret | None:
    if key == "session_cookie":
        return record.session_cookie
    return record.token or (record.grant.access if record.grant else None)


def _place(context: Context) -> str:
    from mogplex_tui.config.credential_store import FILE, credentials_file

    return str(credentials_file(context.name)) if context.credential_store == FILE else "system keyring"


def same_service(one: str, other: str) -> bool:
    """Return whether two URLs have the same scheme, host, port and path.

    The result is False if one of the URLs cannot be parsed.
    """
    from urllib.parse import urlsplit

    def parts(text: str) -> tuple[str, str, int, str]:
        url = urlsplit(text.strip())
        scheme = url.scheme.lower()
        port = url.port or {"https": 443, "http": 80}.get(scheme, 0)
        return scheme, (url.hostname or "").lower(), port, url.path.rstrip("/")

    try:
        return parts(one) == parts(other)
    except ValueError:
        return False


def _read(path: Path) -> Mapping[str, Any]:
    try:
        text = read_regular(path, SMALL_FILE)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError(
            f"{path} could not be read: {error.strerror or error}. Fix it or move it away."
        ) from error
    except UnicodeDecodeError:
        raise SettingsError(
            f"{path} could not be read: it is not UTF-8 text. Fix it or move it away."
        ) from None
    # Most people have no config file, and the TOML parser takes time before the first frame.
    import tomllib

    try:
        return tomllib.loads(text)
    except RecursionError:
        raise SettingsError(
            f"{path} could not be read: it is nested too deeply. Fix it or move it away."
        ) from None
    except ValueError as error:
        raise SettingsError(f"{path} could not be read: {error}. Fix it or move it away.") from error


def _keys(stored: Mapping[str, Any], path: Path) -> Sourced[Mapping[str, Any]]:
    """Return the `[keys]` table of the config file as a mapping of action ids to keys.

    Keys can be set only in the config file.
    """
    if "keys" not in stored:
        return Sourced({}, "default")
    table = stored["keys"]
    if not isinstance(table, Mapping):
        raise SettingsError(f"keys from {path} must be a table: [keys], and a line for each action below it.")
    from mogplex_tui.config.keymap import flat

    return Sourced(flat(table), str(path))


def _columns(stored: Mapping[str, Any], path: Path) -> Sourced[Mapping[str, Sequence[str]]]:
    """Return the column names of the `[columns]` table of the config file, by kind."""
    if "columns" not in stored:
        return Sourced({}, "default")
    table = stored["columns"]
    if not isinstance(table, Mapping) or not all(map(_is_words, table.values())):
        raise SettingsError(
            f'columns from {path} must be a table: [columns], and below it lines such as runs = ["state", "age"].'
        )
    return Sourced({kind: tuple(names) for kind, names in table.items()}, str(path))


def _is_words(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _resolve(
    key: str,
    arguments: Mapping[str, Any],
    environ: Mapping[str, str],
    context: Context | None,
    stored: Mapping[str, Any],
    path: Path,
) -> Sourced[Any]:
    variables, default = _TABLE[key]
    if arguments.get(key) is not None:
        return Sourced(_coerce(key, arguments[key], "the command line"), "the command line")
    for variable in variables:
        if environ.get(variable, "").strip():
            return Sourced(_coerce(key, environ[variable], variable), variable)
    # A context that is not read-only leaves the decision to the config file.
    if context is not None and key in _OF_A_CONTEXT and getattr(context, key):
        return Sourced(getattr(context, key), f"context {context.name}")
    # Credentials are never read from the config file, because people share and publish it.
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
    if key in _NUMBER:
        return _number(key, value, origin)
    if not isinstance(value, str | Secret):
        raise SettingsError(f"{key} from {origin} must be text.")
    if key in _SECRET:
        return value if isinstance(value, Secret) else Secret(value.strip())
    return str(value).strip()


def _number(key: str, value: Any, origin: str) -> int:
    least, most = _NUMBER[key]
    text = str(value).strip()
    # A longer number is out of range, and Python refuses to parse very long ones.
    if not isinstance(value, bool) and text.isascii() and text.isdecimal() and len(text) < 10:
        number = int(text)
        if least <= number <= most:
            return number
    raise SettingsError(f"{key} from {origin} must be a whole number from {least} to {most}, not {value!r}.")
