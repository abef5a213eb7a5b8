"""`mogplex-tui run REPO PROMPT`: a short form of `runs start`."""

from __future__ import annotations

import argparse

from mogplex_tui.cli.command_session import service_arguments
from mogplex_tui.cli.runs import start_arguments, start_from


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    service_arguments(parser)
    start_arguments(parser, positional=("repo", "prompt"))


def run(args: argparse.Namespace) -> int:
    """Start the run, follow it if asked to, and return the exit code."""
    return start_from(args)
