"""The command line: parses arguments, runs a command, returns its exit code.

Heavy modules are imported only by the commands that need them.
"""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Run the command line and return its exit code."""
    _open_closed_streams()
    if sys.argv[1:2] == ["__complete"]:
        # Completion runs on every Tab key press, so the parser is not loaded.
        from mogplex_tui.cli import record_completion

        return record_completion.run(sys.argv[2:])
    from mogplex_tui.cli.parser import run

    return run()


def _open_closed_streams() -> None:
    """Open the null device for each standard stream that is closed (`<&-`).

    Otherwise the next opened file would get the stream's descriptor, and text meant for the
    stream would be written to that file.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))
