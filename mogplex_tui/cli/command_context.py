"""Settings, service address, messages and exit codes, shared by all commands."""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import sys
from typing import TYPE_CHECKING

from mogplex_tui.api.errors import (
    BudgetBlocked,
    InvalidTarget,
    LoginRequired,
    MogplexError,
    NotAllowed,
    NotSignedIn,
    SuspectedThrottle,
    Throttled,
    Unavailable,
    Unreachable,
)
from mogplex_tui.api.target import Target
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.config.settings import CredentialsError, Settings, SettingsError, load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mogplex_tui.api.token_renewal import Renewal

NO_SERVICE = """\
No service is configured. Try the demo:

  mogplex-tui demo

or sign in to a service:

  mogplex-tui login

or configure one for this shell only:

  export MOGPLEX_BASE_URL=https://mogplex.com
  export MOGPLEX_TOKEN=…            # a personal access token, created at /settings/api-keys
  mogplex-tui
"""


def disable_garbage_collection() -> None:
    """Disable garbage collection; the app enables it again after the first frame.

    Start-up makes no garbage, and collecting it would take a tenth of the time to the first frame.
    """
    gc.disable()


class CommandError(Exception):
    """Raised to end a command with an exit code and a sentence for stderr."""

    def __init__(self, code: Exit, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


_CREDENTIAL_VARIABLES = ("MOGPLEX_TOKEN", "MOGPLEX_API_KEY", "MOGPLEX_SESSION_COOKIE")


def forget_credentials() -> None:
    """Remove the credentials from the environment; call this after reading them.

    A browser or an embedded plane that the program starts must not inherit them.
    """
    for name in _CREDENTIAL_VARIABLES:
        os.environ.pop(name, None)


@contextlib.contextmanager
def without_credentials() -> Iterator[None]:
    """Remove the credentials from the environment until the `with` block ends.

    A program that is started in the block does not inherit them.
    """
    values = {name: value for name in _CREDENTIAL_VARIABLES if (value := os.environ.get(name)) is not None}
    forget_credentials()
    try:
        yield
    finally:
        os.environ.update(values)


def has_terminal() -> bool:
    """Return whether stdin and stderr are a terminal, which the console needs."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def require_terminal() -> None:
    """Raise CommandError if there is no terminal.

    Without a terminal the console could not be closed.
    """
    if not has_terminal():
        raise CommandError(
            Exit.USAGE,
            "The console needs a terminal. Without one, use the commands, e.g. mogplex-tui runs list",
        )


def follow_terminal_size() -> None:
    """Remove COLUMNS and LINES from the environment.

    Otherwise Textual would use their values even after the window is resized.
    """
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)


def say(sentence: str) -> None:
    """Print a message on stderr, with control characters escaped.

    Messages never go to stdout, which is for data only.
    """
    if not sentence.replace("\n", "").isprintable():
        # Callers have already escaped text from the service; this covers everything else.
        from mogplex_tui.operate.serialization import escape_controls

        sentence = "\n".join(map(escape_controls, sentence.split("\n")))
    print(sentence, file=sys.stderr, flush=True)  # noqa: T201


def settings_of(
    arguments: argparse.Namespace, *, contexts: bool = True, credentials: bool = True
) -> Settings:
    """Return the settings that a command's arguments and the environment define.

    Raises CommandError for settings that are not valid. If `contexts` is false, the stored
    contexts are ignored, as for an embedded plane.
    """
    try:
        return load(vars(arguments), contexts=contexts, credentials=credentials)
    except SettingsError as error:
        code = Exit.NOT_SIGNED_IN if isinstance(error, CredentialsError) else Exit.USAGE
        raise CommandError(code, str(error)) from error


def target_of(settings: Settings) -> Target:
    """Return the address of the service and the credentials for it.

    Raises CommandError if either is missing.
    """
    if settings.base_url.value is None:
        raise CommandError(Exit.NOT_SIGNED_IN, NO_SERVICE)
    if settings.token.value is None and settings.session_cookie.value is None:
        raise CommandError(
            Exit.NOT_SIGNED_IN,
            f"There is no credential for {settings.base_url.value}. Sign in with mogplex-tui login, or set "
            "MOGPLEX_TOKEN to a personal access token (mog_…), or MOGPLEX_SESSION_COOKIE to a browser session's cookie.",
        )
    try:
        return Target(
            settings.context,
            settings.base_url.value,
            settings.token.value,
            settings.session_cookie.value,
            settings.team.value,
            _renewal(settings),
            settings.max_answer_mb.value * 1024 * 1024,
        )
    except InvalidTarget as error:
        raise CommandError(Exit.USAGE, str(error)) from error


def _renewal(settings: Settings) -> Renewal | None:
    if settings.grant is None or settings.credential_store is None:
        return None
    from mogplex_tui.api.token_renewal import Renewal
    from mogplex_tui.config.credential_store import StoredGrant

    return Renewal(settings.grant, StoredGrant(settings.context, settings.credential_store))


def state_name(settings: Settings) -> str:
    """Return the name of the directory for saved state.

    It is the name of the context, or the host of the service if there is no context.
    """
    if settings.context != "default" or settings.base_url.value is None:
        return settings.context
    try:
        return Target("default", settings.base_url.value).host
    except InvalidTarget:
        return settings.context


def code_of(error: MogplexError) -> Exit:
    """Return the exit code for an error of the API client."""
    if isinstance(error, Throttled | BudgetBlocked | SuspectedThrottle):
        return Exit.THROTTLED
    if isinstance(error, NotSignedIn | LoginRequired):
        return Exit.NOT_SIGNED_IN
    if isinstance(error, NotAllowed):
        return Exit.NOT_ALLOWED
    if isinstance(error, Unreachable | Unavailable):
        return Exit.UNREACHABLE
    return Exit.FAILED


def report_error(error: Exception) -> int:
    """Print an error's message and return its exit code.

    A BrokenPipeError is raised unchanged: it means that the reader of the output has closed the
    pipe, which is not an error.
    """
    if isinstance(error, BrokenPipeError):
        raise error
    from mogplex_tui.config.contexts import ContextError

    say(str(error))
    if isinstance(error, CommandError):
        return error.code
    if isinstance(error, InvalidTarget | ContextError | SettingsError):
        return Exit.USAGE
    return code_of(error) if isinstance(error, MogplexError) else Exit.FAILED
