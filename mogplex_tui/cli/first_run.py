"""The first start: asks what to do if no service or credential is configured."""

from __future__ import annotations

import argparse
import sys

from mogplex_tui.api.errors import MogplexError
from mogplex_tui.cli.command_context import CommandError, report_error, say
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.config.contexts import ContextError
from mogplex_tui.config.credential_store import CredentialStoreError
from mogplex_tui.config.settings import Settings, SettingsError


def can_prompt() -> bool:
    """Return whether both stdin and stdout are a terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def needs_setup(settings: Settings) -> bool:
    """Return whether the settings have no service or no credential."""
    credentials = (settings.token.value, settings.session_cookie.value)
    return settings.base_url.value is None or not any(credentials)


def offer_demo_or_sign_in(arguments: argparse.Namespace, settings: Settings) -> int | None:
    """Ask whether to start the demo or to sign in, and do what the user chooses.

    Returns an exit code, or None after a sign-in, when the console can start.
    """
    url = settings.base_url.value
    say("No service is configured." if url is None else f"There is no credential for {url} yet.")
    say(
        "\n  1  try the demo: an embedded control plane, nothing leaves this machine\n  2  sign in\n  q  quit\n"
    )
    while (choice := _ask("Choice [1]: ").lower() or "1") not in ("1", "2", "q"):
        say("Type 1, 2 or q.")
    if choice == "q":
        return Exit.OK
    return _demo(arguments) if choice == "1" else _sign_in(arguments, url)


def _ask(question: str) -> str:
    sys.stderr.write(question)
    sys.stderr.flush()
    line = sys.stdin.readline()
    # End of input means that the person leaves.
    return line.strip() if line else "q"


def _demo(arguments: argparse.Namespace) -> int:
    from mogplex_tui.cli.parser import run

    flags = [
        f"--{name.replace('_', '-')}"
        for name in ("read_only", "ascii", "reduced_motion")
        if getattr(arguments, name)
    ]
    return run(["demo", *flags, *(["--theme", arguments.theme] if arguments.theme else [])])


def _sign_in(arguments: argparse.Namespace, url: str | None) -> int | None:
    from mogplex_tui.cli.login import HOSTED_URL, context_for, sign_in

    if url is None:
        answer = _ask(f"Base URL of the service [{HOSTED_URL}]: ")
        if answer == "q":
            return Exit.OK
        arguments.base_url = answer or HOSTED_URL
    try:
        sign_in(context_for(arguments), "code")
    except (ContextError, SettingsError, CredentialStoreError, MogplexError, CommandError, OSError) as error:
        return report_error(error)
    # The context that was just signed in to is now the current one.
    arguments.base_url = None
    return None
