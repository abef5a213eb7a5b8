"""The command line. Nothing heavy is imported until a command needs it."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Run the command line and return its exit code (design: commands, files, variables)."""
    _open_what_is_closed()
    if sys.argv[1:2] == ["__complete"]:
        # A person waits for it with a finger on the Tab key: the parser is not loaded.
        from mogplex_tui.cli import record_completion

        return record_completion.run(sys.argv[2:])
    from mogplex_tui.cli.parser import run

    return run()


def _open_what_is_closed() -> None:
    """Let a stream that was closed by who started us (`<&-`) be one where nothing comes from and nobody hears of.

    What is opened next would have its number otherwise, and get what is meant for it.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))
