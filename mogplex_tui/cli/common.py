"""What every command that talks to a service needs: settings, the target, and how its errors end the process."""

from __future__ import annotations

import argparse
import gc
import sys

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
from mogplex_tui.cli.exits import Exit
from mogplex_tui.config.settings import Settings, SettingsError, load

NO_SERVICE = """\
No service is named yet. Either look around first:

  mogplex-tui demo

or name yours:

  export MOGPLEX_BASE_URL=https://mogplex.com
  export MOGPLEX_TOKEN=…            # a personal access token, made at /settings/api-keys
  mogplex-tui
"""


def hurry() -> None:
    """Put off the search for garbage until the first frame is out; the app takes it up again.

    Nothing that start-up makes is garbage, and looking for it costs a tenth of the time to the first frame.
    """
    gc.disable()


class Stop(Exception):
    """Ends a command with an exit code and a sentence for stderr."""

    def __init__(self, code: Exit, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def say(sentence: str) -> None:
    """Tell the person at the terminal something; never on stdout, which is for data."""
    print(sentence, file=sys.stderr, flush=True)  # noqa: T201


def settings_of(arguments: argparse.Namespace) -> Settings:
    """Resolve the settings of a command. Raises Stop for a value that cannot be used."""
    try:
        return load(vars(arguments))
    except SettingsError as error:
        raise Stop(Exit.USAGE, str(error)) from error


def target_of(settings: Settings) -> Target:
    """Return the service to talk to. Raises Stop when none is named or no credential is there."""
    if settings.base_url.value is None:
        raise Stop(Exit.NOT_SIGNED_IN, NO_SERVICE)
    if settings.token.value is None and settings.session_cookie.value is None:
        raise Stop(
            Exit.NOT_SIGNED_IN,
            f"There is no credential for {settings.base_url.value}. Set MOGPLEX_TOKEN to a personal access token "
            "(mog_…), or MOGPLEX_SESSION_COOKIE to a browser session's cookie.",
        )
    try:
        return Target(
            settings.context, settings.base_url.value, settings.token.value, settings.session_cookie.value
        )
    except InvalidTarget as error:
        raise Stop(Exit.USAGE, str(error)) from error


def code_of(error: MogplexError) -> Exit:
    """Return the exit code that an error of the client means."""
    if isinstance(error, Throttled | BudgetBlocked | SuspectedThrottle):
        return Exit.THROTTLED
    if isinstance(error, NotSignedIn | LoginRequired):
        return Exit.NOT_SIGNED_IN
    if isinstance(error, NotAllowed):
        return Exit.NOT_ALLOWED
    if isinstance(error, Unreachable | Unavailable):
        return Exit.UNREACHABLE
    return Exit.FAILED
