"""The exit codes of every command (design: commands, files, variables)."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What a shell script can tell from a command's end."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_SIGNED_IN = 3
    NOT_ALLOWED = 4
    THROTTLED = 5
    UNREACHABLE = 6
