"""Small shell programs that every simulated machine has, such as `echo`."""

# ruff: noqa: ARG001 (every program has the same three parameters)

from __future__ import annotations

import time

from ...db.clock import SECOND_US
from .program_environment import HOME, Machine, Program, Run, err, out

_MAX_SLEEP_S = 3_600.0


def _where(machine: Machine) -> str:
    return f"{HOME}/{machine.cwd}" if machine.cwd else HOME


def pwd(machine: Machine, words: list[str], stdin: str) -> Run:
    """Print the working directory."""
    yield out(_where(machine) + "\n")
    return 0


def echo(machine: Machine, words: list[str], stdin: str) -> Run:
    """Print the words; `$PWD`, `$HOME`, `$USER` and `$?` are replaced."""
    plain = words[1:] if words[:1] == ["-n"] else words
    known = {"$PWD": _where(machine), "$HOME": HOME, "$USER": "sandbox", "$?": str(machine.exit_code)}
    text = " ".join(known.get(word, word) for word in plain)
    yield out(text if plain is not words else text + "\n")
    return 0


def env(machine: Machine, words: list[str], stdin: str) -> Run:
    """Print the simulated environment variables, which contain no secrets."""
    names = {"CI": "1", "HOME": HOME, "PWD": _where(machine), "TERM": "xterm-256color", "USER": "sandbox"}
    yield out("".join(f"{name}={value}\n" for name, value in names.items()))
    return 0


def date(machine: Machine, words: list[str], stdin: str) -> Run:
    """Print the control plane's time in UTC."""
    moment = time.gmtime(machine.now_us // SECOND_US)
    form = words[0][1:] if words and words[0].startswith("+") else "%a %b %d %H:%M:%S UTC %Y"
    yield out(time.strftime(form, moment) + "\n")
    return 0


def sleep(machine: Machine, words: list[str], stdin: str) -> Run:
    """Wait for the given number of seconds, but at most an hour."""
    try:
        seconds = float(words[0])
    except (IndexError, ValueError):
        yield err("sleep: invalid time interval\n")
        return 1
    yield out("", min(max(0.0, seconds), _MAX_SLEEP_S))
    return 0


def leave(machine: Machine, words: list[str], stdin: str) -> Run:
    """Implement `exit`: end the command line with an exit code."""
    yield out("")
    return int(words[0]) & 255 if words and words[0].isdigit() else 0


def change(machine: Machine, words: list[str], stdin: str) -> Run:
    """Implement `cd`: change the directory for the rest of the command line."""
    name = words[0] if words else "~"
    path = machine.path(name)
    if not machine.disk.is_dir(path):
        yield err(f"sh: 1: cd: can't cd to {name}\n")
        return 2
    machine.cwd = path
    return 0


def which(machine: Machine, words: list[str], stdin: str) -> Run:
    """Print the paths of the named programs."""
    from .shell import KNOWN

    code = 0
    for word in words:
        if word in KNOWN:
            yield out(f"/usr/bin/{word}\n")
        else:
            code = 1
    return code


def _prints(text: str, code: int = 0) -> Program:
    def run(machine: Machine, words: list[str], stdin: str) -> Run:
        yield out(text)
        return code

    return run


def sort(machine: Machine, words: list[str], stdin: str) -> Run:
    """Print the lines of the input in order; supports `-r` and `-u`."""
    lines = sorted(set(stdin.splitlines()) if "-u" in words else stdin.splitlines(), reverse="-r" in words)
    yield out("".join(f"{line}\n" for line in lines))
    return 0


PROGRAMS: dict[str, Program] = {
    "pwd": pwd, "echo": echo, "env": env, "printenv": env, "date": date, "sleep": sleep, "exit": leave,
    "cd": change, "which": which, "sort": sort, "true": _prints(""), "false": _prints("", 1), ":": _prints(""),
    "whoami": _prints("sandbox\n"), "hostname": _prints("sandbox\n"), "nproc": _prints("4\n"),
    "uname": _prints("Linux sandbox 6.6.87 x86_64 GNU/Linux\n"), "clear": _prints(""), "export": _prints(""),
}  # fmt: skip
