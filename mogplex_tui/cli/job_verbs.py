"""The verbs of `mogplex-tui jobs` that the kind does not declare."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mogplex_tui.cli.command_session import CommandSession

_HELP = {"explain": "explain why a job failed", "waterfall": "show where the time of a job went"}


def add_verbs(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Add the verbs to the command."""
    for verb, text in _HELP.items():
        add(verb, text).add_argument("record", metavar="JOB", help="ID, or a unique prefix of it")


async def run_verb(args: argparse.Namespace, command: CommandSession) -> int:
    """Run the verb that the arguments name; return the exit code."""
    if args.verb == "explain":
        from mogplex_tui.cli import explain

        return await explain.run_verb(args, command)
    from mogplex_tui.cli import waterfall

    return await waterfall.run_verb(args, command)
