"""What a program in a machine stands in, and what it hands out (sandboxes.md §4.8)."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import NamedTuple

from .disk import Disk, clean
from .trees import Repository

HOME = "/vercel/sandbox"


class Step(NamedTuple):
    """Text that a program writes after `seconds` (at speed 1); `stream` is stdout or stderr, and text may be empty."""

    text: str
    stream: str = "stdout"
    seconds: float = 0.0


# A program yields its steps and returns its exit code.
Run = Generator[Step, None, int]


@dataclass(slots=True)
class Machine:
    """One machine while a command runs in it; `cwd` is a path from the top of the repository, "" for the top."""

    disk: Disk
    repo: Repository
    branch: str
    cwd: str
    now_us: int

    def path(self, text: str) -> str:
        """A path that a program was given, from the top of the repository; raises OutsideError."""
        if text.startswith(HOME):
            text = text[len(HOME) :] or "/"
        elif text == "~":
            text = "/"
        return clean(text, self.cwd)


Program = Callable[[Machine, list[str], str], Run]


def out(text: str, seconds: float = 0.0) -> Step:
    """Text for standard output, after so many seconds."""
    return Step(text, "stdout", seconds)


def err(text: str, seconds: float = 0.0) -> Step:
    """Text for standard error, after so many seconds."""
    return Step(text, "stderr", seconds)
