"""Run the commands of documents against an embedded plane, with a home per page."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from mogplex_tui.cli import event_follow, parser
from tests.docs.markdown import ROOT, blocks

PROGRAM = "mogplex-tui"
# Seconds between the reads of a run that is followed or waited for, and after its end, instead of the program's.
_WAITS = {"SETTLE": 0.05, "STATE_BLIND": 0.2, "STATE_GAP": 0.2, "METERED_GAP": 0.2, "METERED_STATE_GAP": 0.2}
_START = f"""\
#!{sys.executable}
import sys
from mogplex_tui.cli import event_follow, parser
if "watch" in sys.argv or "--follow" in sys.argv:
    from mogplex_tui.cli import event_follow
    vars(event_follow).update({_WAITS})
sys.exit(parser.run())
"""
# An ordinary past, and no work but what the documents start.
_SCENARIO = {"title": "Nothing happens by itself", "now": {"pace": 0, "answered": False}}
# Seconds that a script may take.
_PATIENCE = 60
_PLACEHOLDER = re.compile(r"\b(LIVE_RUN|FAILED_RUN|RUN|FAILED_JOB|JOB|APPROVAL|SANDBOX)\b")


def commands(text: str) -> Iterator[str]:
    """Yield the commands of a document's `console` blocks: the lines after `$`."""
    for block in blocks(text):
        if block.language == "console":
            for line in block.text.splitlines():
                if line.startswith("$ "):
                    yield line[2:].strip()


def needs_shell(command: str) -> bool:
    """Return whether a command is more than one program with its arguments."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = list(lexer)
    return words[0] != PROGRAM or "$" in command or any(set(word) <= set("();<>|&") for word in words)


class Plane:
    """An embedded plane as a process, ended with its context."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.line: dict[str, str] = {}

    def __enter__(self) -> Self:
        scenario = self._folder / "scenario.json"
        scenario.write_text(json.dumps(_SCENARIO))
        options = ["--db", str(self._folder / "plane.db"), "--scenario", str(scenario)]
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "mogplex_tui",
                "control-plane",
                "--speed",
                "100",
                "--rate-limit",
                "off",
                *options,
            ],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert self._process.stdout is not None
        self.line = json.loads(self._process.stdout.readline())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate()


class CommandRunner:
    """A plane, and a home that is signed in to it as the context `local`."""

    def __init__(self, plane: Plane, folder: Path) -> None:
        self.plane, self._folder = plane, folder
        self._sessions = 0
        programs = folder / "bin"
        programs.mkdir()
        program = programs / PROGRAM
        program.write_text(_START)
        program.chmod(0o755)
        self.path = f"{programs}{os.pathsep}{os.environ['PATH']}"

    def session(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Session:
        """Return a session in a copy of the home, signed in; the first one signs in."""
        template = self._folder / "home"
        self._sessions += 1
        home = self._folder / f"home{self._sessions}"
        if template.exists():
            shutil.copytree(template, home)
        else:
            home.mkdir()
        session = Session(self, home, monkeypatch, capsys)
        if not template.exists():
            address = ("--base-url", self.plane.line["base_url"])
            session.require(
                "login", "--token", "--context", "local", *address, stdin=self.plane.line["token"]
            )
            session.require(
                "login", "--session", "--context", "local", stdin=self.plane.line["session_cookie"]
            )
            shutil.copytree(home, template)
        return session


class Session:
    """The commands of one page, in a home and a working directory of their own."""

    def __init__(
        self,
        runner: CommandRunner,
        home: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self._runner, self._monkeypatch, self._capsys = runner, monkeypatch, capsys
        monkeypatch.setenv("HOME", str(home))
        for name in ("CONFIG", "CACHE", "STATE", "DATA"):
            monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
        monkeypatch.setenv("PATH", runner.path)
        monkeypatch.setenv("PYTHONPATH", str(ROOT))
        line = runner.plane.line
        for name, field in (("URL", "base_url"), ("TOKEN", "token"), ("DB", "db")):
            monkeypatch.setenv(name, line[field])
        monkeypatch.chdir(home)
        for name, seconds in _WAITS.items():
            monkeypatch.setattr(event_follow, name, seconds)

    def _call(self, arguments: list[str], stdin: str = "") -> tuple[int, str, str]:
        """Run a command in this process, and return its exit code and what it printed."""
        self._monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        self._capsys.readouterr()
        try:
            code = parser.run(arguments)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        printed = self._capsys.readouterr()
        return code, printed.out, printed.err

    def require(self, *arguments: str, stdin: str = "") -> str:
        """Run a command that must succeed, and return what it wrote to stdout."""
        code, out, error = self._call(list(arguments), stdin)
        assert code == 0, f"{' '.join(arguments)}: {code}\n{out}{error}"
        return out

    def _newest(self, kind: str, *filters: str) -> str:
        line = self.require(kind, "list", "--json", "--limit", "1", *filters).splitlines()[0]
        row: dict[str, Any] = json.loads(line)
        return str(row["id"])

    def _resolve(self, placeholder: str) -> str:
        """Return the id of a record that a document names by a word in capitals."""
        makers: dict[str, Callable[[], str]] = {
            "RUN": lambda: self._newest("runs", "state:success"),
            "FAILED_RUN": lambda: self._newest("runs", "state:failed"),
            "LIVE_RUN": lambda: self.require("run", "acme/web", "Read every file forever").strip(),
            "JOB": lambda: self._newest("jobs"),
            "FAILED_JOB": lambda: self._newest("jobs", "state:failed"),
            "APPROVAL": lambda: self._newest("approvals", "state:approval", "kind:step"),
            "SANDBOX": lambda: self.require(
                "sandboxes", "launch", "--repo", "acme/web", "--branch", "main"
            ).strip(),
        }
        return makers[placeholder]()

    def run_command(self, command: str) -> list[str]:
        """Run a command line; return why it failed, or nothing."""
        filled = _PLACEHOLDER.sub(lambda match: self._resolve(match[0]), command)
        if needs_shell(filled):
            return self.run_script(["bash", "-o", "pipefail", "-c", filled], name=command)
        code, out, error = self._call(shlex.split(filled)[1:])
        return [] if code == 0 else [f"{command}: exit code {code}\n{out[-500:]}{error[-500:]}"]

    def run_script(
        self, script: list[str], *, name: str = "", env: dict[str, str] | None = None
    ) -> list[str]:
        """Run a program with the plane's address in its environment; return failures."""
        done = subprocess.run(
            script,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        if done.returncode == 0:
            return []
        return [
            f"{name or script[-1]}: exit code {done.returncode}\n{done.stdout[-500:]}{done.stderr[-900:]}"
        ]

    def run_python(self, *arguments: str) -> list[str]:
        """Run a Python program with the plane's address and token in its environment."""
        line = self._runner.plane.line
        env = {"MOGPLEX_BASE_URL": line["base_url"], "MOGPLEX_TOKEN": line["token"]}
        return self.run_script([sys.executable, *arguments], env=env)
