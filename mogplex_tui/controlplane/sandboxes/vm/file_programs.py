"""Simulated programs that read and change files, such as `ls` and `grep`."""

from __future__ import annotations

import fnmatch
import posixpath
import re
import time
from itertools import pairwise

from ...db.clock import SECOND_US
from .disk import Entry, MissingError
from .program_environment import Machine, Program, Run, err, out


def _options(words: list[str]) -> tuple[set[str], list[str]]:
    """Split arguments into options and other words.

    Options are returned without dashes; a group of short options such as `-la` is split into
    letters.
    """
    letters: set[str] = set()
    rest: list[str] = []
    for word in words:
        if word.startswith("--") and len(word) > 2:
            letters.add(word[2:])
        elif word.startswith("-") and len(word) > 1 and not word[1:].isdigit():
            letters.update(word[1:])
        else:
            rest.append(word)
    return letters, rest


def _stamp(machine: Machine) -> str:
    moment = time.gmtime(machine.now_us // SECOND_US)
    return time.strftime("%b %d %H:%M", moment)


def _listed(machine: Machine, entries: list[Entry], letters: set[str]) -> str:
    shown = [entry for entry in entries if "a" in letters or "A" in letters or not entry.name.startswith(".")]
    if "a" in letters:
        shown += [Entry(".", True, 0), Entry("..", True, 0)]
    shown.sort(key=lambda entry: entry.name)
    if "l" not in letters:
        return "".join(f"{entry.name}\n" for entry in shown)
    lines = [f"total {sum(4 for _ in shown)}\n"]
    for entry in shown:
        mode = "drwxr-xr-x" if entry.is_dir else "-rw-r--r--"
        size = 4096 if entry.is_dir else entry.size
        lines.append(f"{mode} 1 sandbox sandbox {size:>7} {_stamp(machine)} {entry.name}\n")
    return "".join(lines)


def ls(machine: Machine, words: list[str], _: str) -> Run:
    """List directories and files."""
    letters, names = _options(words)
    code = 0
    for name in names or ["."]:
        path = machine.path(name)
        if machine.disk.is_dir(path):
            head = f"{name}:\n" if len(names) > 1 else ""
            yield out(head + _listed(machine, machine.disk.entries(path), letters), 0.05)
        elif machine.disk.is_file(path):
            size = len(machine.disk.text(path).encode())
            yield out(_listed(machine, [Entry(name, False, size)], {*letters - {"a"}, "A"}))
        else:
            yield err(f"ls: cannot access '{name}': No such file or directory\n")
            code = 2
    return code


def _read(machine: Machine, program: str, name: str) -> tuple[str, str]:
    """Return the text of a file and an error message, one of which is empty."""
    path = machine.path(name)
    if machine.disk.is_dir(path):
        return "", f"{program}: {name}: Is a directory\n"
    try:
        return machine.disk.text(path), ""
    except MissingError:
        return "", f"{program}: {name}: No such file or directory\n"


def cat(machine: Machine, words: list[str], stdin: str) -> Run:
    """Print the named files, or the input if no file is named."""
    names, code = _options(words)[1], 0
    if not names:
        yield out(stdin)
    for name in names:
        text, fault = _read(machine, "cat", name)
        code = code or int(bool(fault))
        yield err(fault) if fault else out(text, 0.02)
    return code


def _head_tail_arguments(words: list[str]) -> tuple[int, list[str]]:
    """Return the number of lines and the file names in arguments of `head` or `tail`."""
    count, names, words = 10, [], list(words)
    while words:
        word = words.pop(0)
        if word == "-n" and words:
            word = "-" + words.pop(0).lstrip("-+")
        if re.fullmatch(r"-n?\d+", word):
            count = int(word.lstrip("-n"))
        else:
            names.append(word)
    return count, names


def _end_of(program: str) -> Program:
    def run(machine: Machine, words: list[str], stdin: str) -> Run:
        count, names = _head_tail_arguments(words)
        text = stdin
        if names:
            text, fault = _read(machine, program, names[0])
            if fault:
                yield err(fault)
                return 1
        lines = text.splitlines(keepends=True)
        yield out(
            "".join(lines[:count] if program == "head" else lines[len(lines) - min(count, len(lines)) :])
        )
        return 0

    return run


def wc(machine: Machine, words: list[str], stdin: str) -> Run:
    """Count lines, words and bytes."""
    letters, names = _options(words)
    texts: list[tuple[str, str]] = [] if names else [("", stdin)]
    for name in names:
        text, fault = _read(machine, "wc", name)
        if fault:
            yield err(fault)
            return 1
        texts.append((f" {name}", text))
    for label, text in texts:
        counts = {"l": text.count("\n"), "w": len(text.split()), "c": len(text.encode())}
        shown = [str(counts[letter]) for letter in "lwc" if not letters or letter in letters]
        yield out(" ".join(shown) + label + "\n")
    return 0


# A repeated group, or many repetitions: such a pattern may search forever and block other requests.
_ENDLESS = re.compile(r"\)[*+{]|(?:[*+{].*?){3}", re.DOTALL)
_LONGEST_PATTERN = 200
_LONGEST_LINE = 2_000


def _pattern(text: str, flags: int) -> re.Pattern[str]:
    """Compile a regular expression for `grep`.

    A pattern that is invalid, or whose search could take very long, is matched literally.
    """
    if len(text) > _LONGEST_PATTERN or _ENDLESS.search(text):
        return re.compile(re.escape(text), flags)
    try:
        return re.compile(text, flags)
    except re.error:
        return re.compile(re.escape(text), flags)


def grep(machine: Machine, words: list[str], stdin: str) -> Run:
    """Print the lines that match a pattern; the exit code is 1 if no line matches."""
    letters, rest = _options(words)
    if not rest:
        yield err("Usage: grep [OPTION]... PATTERNS [FILE]...\n")
        return 2
    pattern = _pattern(rest[0], re.IGNORECASE if "i" in letters else 0)
    deep = bool(letters & {"r", "R"})
    names = rest[1:] or (["."] if deep else [])
    texts = [("", stdin)] if not names else []
    for name in names:
        path = machine.path(name)
        if deep and machine.disk.is_dir(path):
            inside = [item for item in machine.disk.below(path) if not item.endswith("/")]
            hidden = (".git", "node_modules")
            texts += [
                (item, machine.disk.text(item))
                for item in inside
                if not any(part in hidden for part in item.split("/"))
            ]
            continue
        text, fault = _read(machine, "grep", name)
        if fault:
            yield err(fault)
            return 2
        texts.append((name if len(names) > 1 else "", text))
    match_count = 0
    for label, text in texts:
        for number, line in enumerate(text.splitlines(), start=1):
            if (pattern.search(line[:_LONGEST_LINE]) is None) == ("v" in letters):
                match_count += 1
                where = (f"{label}:" if label else "") + (f"{number}:" if "n" in letters else "")
                yield out(f"{where}{line}\n")
    return 0 if match_count else 1


def find(machine: Machine, words: list[str], _: str) -> Run:
    """Print the paths below a directory; supports `-name` and `-type`."""
    start = words[0] if words and not words[0].startswith("-") else "."
    tests = dict(pairwise(words))
    path = machine.path(start)
    if not machine.disk.is_dir(path):
        yield err(f"find: '{start}': No such file or directory\n")
        return 1
    lines = []
    for name in [f"{path}/", *machine.disk.below(path)]:
        bare, kind = name.rstrip("/"), "d" if name.endswith("/") else "f"
        if tests.get("-type", kind) != kind:
            continue
        if not fnmatch.fnmatch(posixpath.basename(bare), tests.get("-name", "*").strip("'\"")):
            continue
        shown = posixpath.relpath(bare or ".", path or ".")
        lines.append(f"{start if shown == '.' else posixpath.join(start, shown)}\n")
    yield out("".join(lines), 0.1)
    return 0


def mkdir(machine: Machine, words: list[str], _: str) -> Run:
    """Make directories."""
    letters, names = _options(words)
    yield out("")
    for name in names:
        path = machine.path(name)
        if not ("p" in letters and machine.disk.is_dir(path)):
            machine.disk.make(path)
    return 0


def touch(machine: Machine, words: list[str], _: str) -> Run:
    """Create empty files; existing files are not changed."""
    yield out("")
    for name in _options(words)[1]:
        path = machine.path(name)
        if not machine.disk.is_file(path):
            machine.disk.write(path, "")
    return 0


def rm(machine: Machine, words: list[str], _: str) -> Run:
    """Remove files; with `-r`, also directories."""
    letters, names = _options(words)
    for name in names:
        path = machine.path(name)
        if machine.disk.is_dir(path) and not letters & {"r", "R"}:
            yield err(f"rm: cannot remove '{name}': Is a directory\n")
            return 1
        if not machine.disk.is_dir(path) and not machine.disk.is_file(path):
            if "f" in letters:
                continue
            yield err(f"rm: cannot remove '{name}': No such file or directory\n")
            return 1
        machine.disk.remove(path)
    return 0


def _placed(machine: Machine, source: str, target: str) -> str:
    """Return the destination path of `mv` or `cp`.

    If `target` is a directory, the destination is in it and has the name of `source`.
    """
    path = machine.path(target)
    return posixpath.join(path, posixpath.basename(source)) if machine.disk.is_dir(path) else path


def mv(machine: Machine, words: list[str], _: str) -> Run:
    """Move one file or directory."""
    names = _options(words)[1]
    if len(names) != 2:
        yield err("mv: missing destination file operand\n")
        return 1
    source = machine.path(names[0])
    target = _placed(machine, source, names[1])
    if f"{target}/".startswith(f"{source}/"):
        yield err(f"mv: cannot move '{names[0]}' to a subdirectory of itself, '{names[1]}'\n")
        return 1
    if machine.disk.is_file(source) and machine.disk.is_file(target):
        machine.disk.remove(target)
    machine.disk.move(source, target)
    return 0


def cp(machine: Machine, words: list[str], _: str) -> Run:
    """Copy one file."""
    names = _options(words)[1]
    if len(names) != 2:
        yield err("cp: missing destination file operand\n")
        return 1
    text, fault = _read(machine, "cp", names[0])
    if fault:
        yield err(fault)
        return 1
    machine.disk.write(_placed(machine, machine.path(names[0]), names[1]), text)
    return 0


FILES: dict[str, Program] = {
    "ls": ls, "cat": cat, "head": _end_of("head"), "tail": _end_of("tail"), "wc": wc, "grep": grep, "find": find,
    "mkdir": mkdir, "touch": touch, "rm": rm, "mv": mv, "cp": cp,
}  # fmt: skip
