"""`mogplex-tui`: show the console for a service.

The service is the one of the current context, or the one named by the arguments or the
environment.
"""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from mogplex_tui.cli.command_context import (
    CommandError,
    disable_garbage_collection,
    follow_terminal_size,
    forget_credentials,
    has_terminal,
    require_terminal,
    say,
    settings_of,
    state_name,
    target_of,
)
from mogplex_tui.config.paths import state_dir

if TYPE_CHECKING:
    from mogplex_tui.api.target import Target
    from mogplex_tui.config.settings import Settings


def run(arguments: argparse.Namespace) -> int:
    """Show the console until it is closed, and return the exit code."""
    disable_garbage_collection()
    try:
        settings = settings_of(arguments, credentials=False)
    except CommandError as error:
        say(str(error))
        return error.code
    if _needs_keyring(settings):
        code = _show_before_keyring(arguments, settings)
        if code is not None:
            return code
    return _sign_in_and_show(arguments)


def _needs_keyring(settings: Settings) -> bool:
    if settings.credential_store is None or (settings.token.value and settings.session_cookie.value):
        return False
    from mogplex_tui.cli.first_run import can_prompt
    from mogplex_tui.config.credential_store import KEYRING

    return settings.credential_store == KEYRING and has_terminal() and can_prompt()


def _show_before_keyring(arguments: argparse.Namespace, settings: Settings) -> int | None:
    """Show the console first, and read the credentials from the keyring afterwards.

    Reading a keyring takes nearly as long as everything else before the first frame, and some
    keyrings ask a person to unlock them. Returns None if the console ended because there are no
    credentials.
    """
    targets: list[Target | None] = []

    def find_target() -> Target | None:
        if targets and targets[-1] is not None:
            # The console comes back to this context. Its credentials are no longer in the environment.
            return targets[-1]
        try:
            target = target_of(settings_of(arguments))
        except CommandError:
            return None
        forget_credentials()
        return target

    async def find_target_in_thread() -> Target | None:
        from mogplex_tui.api.daemon_thread import run_in_daemon_thread

        # A result that comes after the console was closed is not used.
        targets.append(await run_in_daemon_thread(find_target))
        return targets[-1]

    code = _show(arguments, settings, find_target=find_target_in_thread)
    return None if targets == [None] else code


def _sign_in_and_show(arguments: argparse.Namespace) -> int:
    """Read the credentials, offer a sign-in if there are none, and show the console.

    Returns the exit code.
    """
    try:
        settings = settings_of(arguments)
        from mogplex_tui.cli import first_run

        if first_run.needs_setup(settings) and first_run.can_prompt():
            code = first_run.offer_demo_or_sign_in(arguments, settings)
            if code is not None:
                return code
            settings = settings_of(arguments)
        target = target_of(settings)
        require_terminal()
    except CommandError as error:
        say(str(error))
        return error.code
    return _show(arguments, settings, target=target)


def _show(
    arguments: argparse.Namespace,
    settings: Settings,
    *,
    target: Target | None = None,
    find_target: Callable[[], Awaitable[Target | None]] | None = None,
) -> int:
    from mogplex_tui.cli.console_loop import Start, show

    follow_terminal_size()
    context = state_name(settings)
    start = Start(settings, context, state_dir(context), target, find_target=find_target)
    return show(start, vars(arguments), log=_log_to_file)


def _log_to_file() -> None:
    # Nothing is logged before the first frame, which does not wait for this import.
    from mogplex_tui.config.log_file import log_to_file
    from mogplex_tui.live import redact

    log_to_file(redact.text)
