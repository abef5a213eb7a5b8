"""Simulated package managers, test runners, interpreters and coding CLIs."""

# ruff: noqa: ARG001 (every program has the same three parameters)

from __future__ import annotations

import json
from pathlib import PurePosixPath

from .program_environment import Machine, Program, Run, err, out
from .repo_contents import manager, script


def _tests(machine: Machine, title: str) -> Run:
    """Simulate the repository's tests; each file that contains `FAIL_TESTS` fails."""
    how = script(machine.repo)
    below = [name for name in machine.disk.below(machine.repo.root or "") if not name.endswith("/")]
    files = [name for name in below if "test" in name.lower() and ".github" not in name][:8]
    broken = [name for name in below if "FAIL_TESTS" in machine.disk.text(name)]
    yield out(f"\n> {machine.repo.name}@ test\n> {title}\n\n", 0.8)
    total = max(len(files), int(how["tests"]))
    left = total
    for number, name in enumerate(files, start=1):
        count = left if number == len(files) else total // len(files)
        left -= count
        spent = machine.repo.number(f"time {name}", 12, 940)
        yield out(f" ✓ {PurePosixPath(name)} ({count} tests) {spent}ms\n", 0.5)
    failed = len(broken)
    for name in broken:
        yield out(f" ✗ {name}: expected no mark of failure\n", 0.3)
    yield out(
        f"\nTests  {failed} failed | {total} passed ({total + failed})\n"
        if failed
        else f"\nTests  {total} passed ({total})\n",
        0.4,
    )
    return 1 if failed else 0


def _install(machine: Machine, name: str) -> Run:
    packages = machine.repo.number("packages", 180, 1_400)
    yield out("Lockfile is up to date, resolution step is skipped\n", 0.8)
    yield out(f"Progress: resolved {packages}, reused {packages}, downloaded 0, added 0, done\n", 1.2)
    yield out(f"Done in {machine.repo.number('install', 2, 9)}.{machine.repo.number(name, 0, 9)}s\n", 0.3)
    return 0


def _scripts(machine: Machine) -> dict[str, str]:
    root = f"{machine.repo.root}/" if machine.repo.root else ""
    path = f"{root}package.json"
    if not machine.disk.is_file(path):
        return {}
    try:
        found = json.loads(machine.disk.text(path)).get("scripts", {})
    except (ValueError, AttributeError):
        return {}
    return {str(name): str(text) for name, text in found.items()} if isinstance(found, dict) else {}


def _package_manager(name: str) -> Program:
    def run(machine: Machine, words: list[str], stdin: str) -> Run:
        words = [word for word in words if word not in ("run", "--", "-s", "--silent")]
        subcommand = words[0] if words else ""
        scripts = _scripts(machine)
        if subcommand in ("-v", "--version"):
            yield out({"npm": "11.4.2\n", "pnpm": "10.12.1\n", "yarn": "1.22.22\n"}[name])
            return 0
        if subcommand in ("install", "i", "ci", "add", ""):
            return (yield from _install(machine, name))
        if subcommand in ("test", "t") and ("test" in scripts or machine.disk.is_file("package.json")):
            return (yield from _tests(machine, scripts.get("test", "")))
        if subcommand not in scripts:
            yield err(f'{name} error Missing script: "{subcommand}"\n', 0.3)
            return 1
        yield out(f"\n> {machine.repo.name}@ {subcommand}\n> {scripts[subcommand]}\n\n", 0.5)
        if subcommand == "dev":
            yield out("  - Local:   http://localhost:3000\n", 0.8)
            yield err("Port 3000 is in use by the sandbox's own dev server\n", 0.5)
            return 1
        yield out("No problems found\n" if subcommand == "lint" else "Built in 3.1s\n", 2.0)
        return 0

    return run


def _runner(title: str) -> Program:
    def run(machine: Machine, words: list[str], stdin: str) -> Run:
        if words[:1] in (["--version"], ["version"]):
            yield out(f"{title} 1.0.0\n")
            return 0
        return (yield from _tests(machine, " ".join([title, *words])))

    return run


def _python(machine: Machine, words: list[str], stdin: str) -> Run:
    if words[:2] == ["-m", "pytest"]:
        return (yield from _tests(machine, " ".join(["pytest", *words[2:]])))
    if words[:1] in (["--version"], ["-V"]):
        yield out("Python 3.13.5\n")
        return 0
    name = next((word for word in words if not word.startswith("-")), "")
    if words[:1] == ["-c"]:
        yield out("", 0.2)
        return 0
    if not machine.disk.is_file(machine.path(name or ".")):
        yield err(f"python: can't open file '{name}': [Errno 2] No such file or directory\n")
        return 2
    yield out("", 0.4)
    return 0


def _node(machine: Machine, words: list[str], stdin: str) -> Run:
    if words[:1] in (["--version"], ["-v"]):
        yield out("v22.17.0\n" if machine.repo.runtime == "node22" else "v24.3.0\n")
        return 0
    if words[:1] in (["-e"], ["-p"]):
        yield out("", 0.2)
        return 0
    name = words[0] if words else ""
    if not machine.disk.is_file(machine.path(name or ".")):
        yield err(f"node:internal/modules/cjs/loader\n\nError: Cannot find module '{name}'\n", 0.1)
        return 1
    yield out("", 0.4)
    return 0


def _uv(machine: Machine, words: list[str], stdin: str) -> Run:
    if words[:2] == ["run", "pytest"] or words[:1] == ["pytest"]:
        return (yield from _tests(machine, "pytest"))
    if manager(machine.repo) != "uv":
        yield err("error: No `pyproject.toml` found in current directory or any parent directory\n")
        return 2
    return (yield from _install(machine, "uv"))


def _agent(name: str) -> Program:
    def run(machine: Machine, words: list[str], stdin: str) -> Run:
        if words[:1] == ["--version"]:
            yield out(f"{name} 2.0.0\n")
            return 0
        yield out("Reading the working tree\n", 1.0)
        yield out(
            f"{len(machine.disk.changes())} files differ from the last commit; nothing else to do\n", 2.0
        )
        return 0

    return run


TOOLS: dict[str, Program] = {
    "npm": _package_manager("npm"), "pnpm": _package_manager("pnpm"), "yarn": _package_manager("yarn"),
    "pytest": _runner("pytest"), "vitest": _runner("vitest"), "python": _python, "python3": _python,
    "node": _node, "uv": _uv, "claude": _agent("claude"), "codex": _agent("codex"),
}  # fmt: skip
