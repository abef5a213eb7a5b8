"""`mogplex-tui demo`: show the console on an embedded control plane."""

from __future__ import annotations

import argparse
from pathlib import Path

from mogplex_tui.cli import control_plane
from mogplex_tui.cli.command_context import (
    CommandError,
    disable_garbage_collection,
    follow_terminal_size,
    forget_credentials,
    require_terminal,
    say,
    settings_of,
)
from mogplex_tui.cli.parser import appearance_arguments
from mogplex_tui.cli.plane_process import PlaneProcess


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the embedded plane and the options of the console."""
    control_plane.plane_arguments(parser)
    appearance_arguments(parser, argparse.SUPPRESS)


def run(arguments: argparse.Namespace) -> int:
    """Start the plane, show the console until it is closed, and stop the plane."""
    disable_garbage_collection()
    try:
        settings = settings_of(arguments, contexts=False)
        require_terminal()
    except CommandError as error:
        say(str(error))
        return error.code
    forget_credentials()
    with PlaneProcess(_options(arguments), Path(arguments.db) if arguments.db else None) as plane:
        from mogplex_tui.cli.console_loop import Start, show

        follow_terminal_size()
        return show(Start(settings, "demo", plane=plane), vars(arguments))


def _options(arguments: argparse.Namespace) -> list[str]:
    options = []
    for name in ("seed", "scenario", "scale", "speed", "profile"):
        value = getattr(arguments, name)
        if value is not None:
            options += [f"--{name}", str(value)]
    if arguments.port:
        options += ["--port", str(arguments.port)]
    options += ["--rate-limit", "off" if arguments.rate_limit is None else str(arguments.rate_limit)]
    for rule in arguments.fault:
        options += ["--fault", rule]
    if arguments.fault_route:
        options.append("--fault-route")
    return options
