"""A small shell: quoting, `&&`, `||`, `;`, pipes and redirections."""

from __future__ import annotations

import shlex
from typing import NamedTuple

from .basic_programs import PROGRAMS
from .developer_programs import TOOLS
from .disk import MissingError, OutsideError, TakenError
from .file_programs import FILES
from .git_program import git
from .program_environment import Machine, Program, Run, Step, err, out

_JOINS = ("&&", "||", ";", "&")
KNOWN: dict[str, Program] = {**FILES, **PROGRAMS, **TOOLS, "git": git}


class _SimpleCommand(NamedTuple):
    """One command of a pipe: its words and the redirections of its output.

    `target` is the file for stdout, `errors` the file for stderr; None means no redirection.
    """

    words: list[str]
    target: str | None
    append: bool
    errors: str | None


def words_of(line: str) -> list[str]:
    """Split a command line into words and operators.

    Raises ValueError for an unterminated quotation.
    """
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|<>")
    lexer.whitespace_split = True
    lexer.commenters = ""
    return list(lexer)


def run_line(machine: Machine, line: str) -> Run:
    """Run a command line as `sh -lc` would; return the last command's exit code."""
    try:
        words = words_of(line.replace("\n", ";"))
    except ValueError:
        yield err("sh: 1: Syntax error: Unterminated quoted string\n")
        return 2
    code, join, part = 0, ";", list[str]()
    for word in [*words, ";"]:
        if word not in _JOINS:
            part.append(word)
            continue
        if part and (join in (";", "&") or (join == "&&") == (code == 0)):
            code = machine.exit_code = yield from _pipe(machine, part)
            if part[0] == "exit":
                return code
        if part:
            join = word
        part = []
    return code


def run_words(machine: Machine, words: list[str], stdin: str = "") -> Run:
    """Run one program directly, without a shell."""
    program = KNOWN.get(words[0].rpartition("/")[2] if words[0].startswith("/") else words[0])
    if program is None:
        yield err(f"sh: 1: {words[0]}: not found\n")
        return 127
    try:
        return (yield from program(machine, words[1:], stdin))
    except OutsideError:
        yield err(f"{words[0]}: Permission denied\n")
    except MissingError as error:
        yield err(f"{words[0]}: {error.args[0]}: No such file or directory\n")
    except TakenError as error:
        yield err(f"{words[0]}: {error.args[0]}: File exists\n")
    return 1


def _simple(words: list[str]) -> _SimpleCommand:
    """Parse a command and its redirections; `2>&1` and `<` are ignored."""
    kept: list[str] = []
    target, errors, append, index = None, None, False, 0
    while index < len(words):
        word = words[index]
        if word in (">", ">>", ">&", "<") and index + 1 < len(words):
            numbered = bool(kept) and kept[-1] in ("1", "2")
            stderr = numbered and kept.pop() == "2"
            if word in (">", ">>") and stderr:
                errors = words[index + 1]
            elif word in (">", ">>"):
                target, append = words[index + 1], word == ">>"
            index += 2
            continue
        kept.append(word)
        index += 1
    return _SimpleCommand(kept, target, append, errors)


def _pipe(machine: Machine, words: list[str]) -> Run:
    """Run the commands of a pipe; return the last one's exit code."""
    commands: list[list[str]] = [[]]
    for word in words:
        if word == "|":
            commands.append([])
        else:
            commands[-1].append(word)
    stdin, code = "", 0
    for number, raw in enumerate(commands, start=1):
        command = _simple(raw)
        words_left = _assigned(command.words)
        if not words_left:
            continue
        kept: list[str] = []
        run = run_words(machine, words_left, stdin)
        failures: list[str] = []
        if command.errors is not None:
            run = _captured(run, failures, "stderr")
        last = number == len(commands) and command.target is None
        code = yield from run if last else _captured(run, kept, "stdout")
        stdin = "".join(kept)
        if command.errors is not None:
            yield from _redirect(machine, command.errors, "".join(failures), append=False)
        if command.target is not None:
            yield from _redirect(machine, command.target, stdin, append=command.append)
            stdin = ""
    return code


def _assigned(words: list[str]) -> list[str]:
    """Return the words of a command without leading assignments such as `CI=1`."""
    index = 0
    while index < len(words) and words[index].partition("=")[0].isidentifier() and "=" in words[index]:
        index += 1
    return words[index:]


def _captured(run: Run, kept: list[str], stream: str) -> Run:
    """Run a program, but append its output to one stream to `kept`.

    The output to the other stream, and all pauses, are passed on.
    """
    while True:
        try:
            step = next(run)
        except StopIteration as stop:
            return int(stop.value)
        if step.stream == stream:
            kept.append(step.text)
            yield out("", step.seconds)
        else:
            yield step


def _redirect(machine: Machine, name: str, text: str, *, append: bool) -> Run:
    """Write text to a file, or print an error if the file cannot be written."""
    if name == "/dev/null":
        return 0
    try:
        path = machine.path(name)
        before = machine.disk.text(path) if append and machine.disk.is_file(path) else ""
        machine.disk.write(path, before + text)
    except (OutsideError, TakenError):
        yield Step(f"sh: 1: cannot create {name}: Permission denied\n", "stderr")
        return 2
    return 0
