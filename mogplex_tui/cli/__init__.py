"""The command line. Nothing heavy is imported until a command needs it."""

from __future__ import annotations


def main() -> int:
    """Run the command line and return its exit code (design: commands, files, variables)."""
    from mogplex_tui.cli.parser import run

    return run()
