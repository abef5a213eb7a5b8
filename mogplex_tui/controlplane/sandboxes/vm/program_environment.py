"""The environment in which a simulated program runs, and the steps of its output.

sandboxes.md §4.8.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import NamedTuple

from .disk import Disk, clean
from .repo_contents import Repository

HOME = "/vercel/sandbox"


class Step(NamedTuple):
    """A text that a program writes after a pause of `seconds` (at speed 1).

    `text` may be empty; `stream` is stdout or stderr.
    """

    text: str
    stream: str = "stdout"
    seconds: float = 0.0


# A program yields steps and returns its exit code.
Run = Generator[Step, None, int]


@dataclass(slots=True)
class Machine:
    """The state of a simulated machine while a command runs on it.

    `cwd` is a path from the repository's root, "" for the root; `exit_code` is that of the last
    command (`$?`).
    """

    disk: Disk
    repo: Repository
    branch: str
    cwd: str
    now_us: int
    exit_code: int = 0

    def path(self, text: str) -> str:
        """Convert a path argument to a path from the repository's root.

        Raises OutsideError for a path outside the repository.
        """
        if text.startswith(HOME):
            text = text[len(HOME) :] or "/"
        elif text == "~" or text.startswith("~/"):
            text = text[1:] or "/"
        return clean(text, self.cwd)


Program = Callable[[Machine, list[str], str], Run]


def out(text: str, seconds: float = 0.0) -> Step:
    """Return a step that writes text to standard output after some seconds."""
    return Step(text, "stdout", seconds)


def err(text: str, seconds: float = 0.0) -> Step:
    """Return a step that writes text to standard error after some seconds."""
    return Step(text, "stderr", seconds)
