"""Commands that are not run but answered at once: `cd`, and interactive programs.

sandboxes.md §4.8.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from typing import NamedTuple

from .vm.disk import Disk, OutsideError, clean
from .vm.program_environment import HOME
from .vm.shell import words_of

_OPERATORS = frozenset(";&|<>")
_HARNESSES = ("claude", "codex")
_ALWAYS = frozenset(
    (
        "vi",
        "vim",
        "nvim",
        "nano",
        "emacs",
        "pico",
        "less",
        "more",
        "man",
        "top",
        "htop",
        "ssh",
        "tmux",
        "screen",
        "watch",
    )
)
_REPLS = frozenset(("python", "python3", "node", "irb", "ipython", "bash", "sh", "zsh", "deno", "bun"))
_DATABASES = frozenset(("psql", "mysql", "sqlite3", "redis-cli", "mongosh", "mongo"))
_BATCH = ("-c", "-e", "-f", "--command", "--eval", "--file")


class Immediate(NamedTuple):
    """The response to a command that is not run.

    `cwd` is the working directory after the command.
    """

    code: int
    stderr: str
    cwd: str


def words(command: str, args: Sequence[str] | None) -> list[str]:
    """Return the words of a simple command, or [] if only a shell can parse it."""
    if args is not None:
        return [command, *args]
    try:
        found = words_of(command)
    except ValueError:
        return []
    return [] if any(_OPERATORS & set(word) for word in found) else found


def harness_of(simple: Sequence[str]) -> str | None:
    """Return the coding CLI that a simple command starts, or None for other commands."""
    return simple[0] if simple and simple[0] in _HARNESSES else None


def immediate(simple: Sequence[str], cwd: str, disk: Disk) -> Immediate | None:
    """Return the response to `cd` or to a program that would wait for input.

    Returns None for all other commands, which must be run.
    """
    if not simple:
        return None
    name, rest = simple[0], simple[1:]
    if name == "cd":
        return _changed(rest, cwd, disk)
    bare = not rest
    if (name in _HARNESSES or name in _REPLS) and bare:
        return Immediate(1, f"{name} waits for input; give it something to do, or open a terminal\n", cwd)
    if name in _ALWAYS:
        return Immediate(1, f"{name} needs a terminal, which this route does not have\n", cwd)
    if name in _DATABASES and not any(word.partition("=")[0] in _BATCH for word in rest):
        return Immediate(1, f"{name} would wait for input; pass a statement with -c, -e or -f\n", cwd)
    return None


def _changed(rest: Sequence[str], cwd: str, disk: Disk) -> Immediate:
    target = rest[0] if rest else "~"
    if target.startswith(HOME):
        target = "/" + target[len(HOME) :]
    try:
        path = "" if target == "~" else clean(target, cwd)
    except OutsideError:
        return Immediate(1, f"cd: {target}: outside of the sandbox\n", cwd)
    if disk.is_dir(path):
        return Immediate(0, "", path)
    why = "Not a directory" if disk.is_file(path) else "No such file or directory"
    return Immediate(1, f"cd: {posixpath.join(target)}: {why}\n", cwd)
