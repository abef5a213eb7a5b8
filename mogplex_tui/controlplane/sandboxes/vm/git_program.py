"""A simulated `git` with commands to inspect and commit a working tree."""

# ruff: noqa: ARG001 (every program has the same three parameters)

from __future__ import annotations

from .program_environment import Machine, Run, err, out

_SUBJECTS = (
    "Keep the order of items when duplicates go",
    "Say which limit was reached",
    "Tests for an empty list",
    "Bump the base image",
    "Read the timeout from the settings",
)


def _log(machine: Machine, words: list[str]) -> str:
    count = next((int(word[1:]) for word in words if word[1:].isdigit() and word[0] == "-"), len(_SUBJECTS))
    lines = []
    for number, subject in enumerate(_SUBJECTS[:count]):
        sha = machine.repo.sha(f"commit {number}")
        if "--oneline" in words:
            lines.append(f"{sha[:7]} {subject}\n")
        else:
            lines.append(f"commit {sha}\nAuthor: Ada Okafor <ada@acme.dev>\n\n    {subject}\n\n")
    return "".join(lines)


def _status(machine: Machine, words: list[str]) -> str:
    changes = machine.disk.changes()
    if any(word in ("-s", "-sb", "-bs", "--short", "--porcelain") for word in words):
        head = f"## {machine.branch}\n" if any("b" in word for word in words if word[:2] != "--") else ""
        return head + "".join(f"{mark if mark == '??' else ' ' + mark} {path}\n" for mark, path in changes)
    lines = [f"On branch {machine.branch}\nYour branch is up to date with 'origin/{machine.branch}'.\n\n"]
    tracked = [(mark, path) for mark, path in changes if mark != "??"]
    if tracked:
        names = {"M": "modified: ", "D": "deleted:  "}
        lines.append("Changes not staged for commit:\n")
        lines += [f"\t{names[mark]}  {path}\n" for mark, path in tracked]
        lines.append("\n")
    new = [path for mark, path in changes if mark == "??"]
    if new:
        lines.append("Untracked files:\n" + "".join(f"\t{path}\n" for path in new) + "\n")
    lines.append("no changes added to commit\n" if changes else "nothing to commit, working tree clean\n")
    return "".join(lines)


def _diff(machine: Machine, words: list[str]) -> str:
    marks = [(mark, path) for mark, path in machine.disk.changes() if mark != "??"]
    if "--stat" in words:
        total = f" {len(marks)} files changed\n" if marks else ""
        return "".join(f" {path} | 1 {'-' if mark == 'D' else '+'}\n" for mark, path in marks) + total
    if "--name-only" in words:
        return "".join(f"{path}\n" for _, path in marks)
    blocks = []
    for mark, path in marks:
        lines = [] if mark == "D" else machine.disk.text(path).splitlines()
        body = "".join(f"+{line}\n" for line in lines)
        blocks.append(f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n{body}")
    return "".join(blocks)


def _commit(machine: Machine, words: list[str]) -> Run:
    if "-m" not in words[:-1] and not any(word.startswith("-am") for word in words):
        yield err("error: no message given; use -m\n")
        return 1
    subject = words[-1]
    count = machine.disk.commit()
    if not count:
        yield out(f"On branch {machine.branch}\nnothing to commit, working tree clean\n")
        return 1
    sha = machine.repo.sha(f"{subject}/{machine.now_us}")[:7]
    yield out(f"[{machine.branch} {sha}] {subject}\n {count} file{'s' if count > 1 else ''} changed\n", 0.2)
    return 0


def git(machine: Machine, words: list[str], stdin: str) -> Run:
    """Run one git command; `fetch`, `pull` and `push` only print that they succeeded."""
    subcommand, rest = (words[0], words[1:]) if words else ("help", [])
    head = machine.repo.sha("commit 0")
    if subcommand == "status":
        yield out(_status(machine, rest), 0.1)
    elif subcommand == "log":
        yield out(_log(machine, rest), 0.1)
    elif subcommand == "diff":
        yield out(_diff(machine, rest), 0.1)
    elif subcommand == "branch":
        shown = f"{machine.branch}\n" if "--show-current" in rest else f"* {machine.branch}\n"
        yield out(shown)
    elif subcommand == "rev-parse":
        yield out(f"{machine.branch if '--abbrev-ref' in rest else head}\n")
    elif subcommand == "remote":
        url = f"https://github.com/{machine.repo.full_name}.git"
        yield out(f"origin\t{url} (fetch)\norigin\t{url} (push)\n" if "-v" in rest else "origin\n")
    elif subcommand in ("add", "fetch", "pull"):
        yield out("Already up to date.\n" if subcommand == "pull" else "", 0.4)
    elif subcommand == "push":
        to = f"   {head[:7]}..HEAD  {machine.branch} -> {machine.branch}\n"
        yield err(f"To https://github.com/{machine.repo.full_name}.git\n{to}", 1.2)
    elif subcommand == "commit":
        return (yield from _commit(machine, rest))
    elif subcommand in ("--version", "version"):
        yield out("git version 2.49.0\n")
    else:
        yield err(f"git: '{subcommand}' is not a git command. See 'git --help'.\n")
        return 1
    return 0
