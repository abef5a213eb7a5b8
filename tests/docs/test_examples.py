"""The commands and Python snippets of the documentation work."""

from __future__ import annotations

import json
import logging
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from mogplex_tui.cli import parser
from tests.docs.command_runner import CommandRunner, Plane, commands, needs_shell
from tests.docs.markdown import DOCS, DOCUMENTS, ROOT, blocks

FULL_SCREEN = "opens the full-screen console; tests/e2e and tests/pilot run it"
BROWSER = "opens a browser; tests/cli/test_login.py signs in"
SERVER = "serves until it is ended; the plane of this test is such a process"
OTHER_MACHINE = "needs another machine"
# Commands that no test runs, with the reason. Their arguments are checked all the same.
NOT_RUN = {
    "mogplex-tui": FULL_SCREEN,
    "mogplex-tui --read-only": FULL_SCREEN,
    "mogplex-tui demo": FULL_SCREEN,
    "mogplex-tui demo --scenario incident": FULL_SCREEN,
    'mogplex-tui demo --fault "GET /api/v1/mogplex/repos status:503 x3" '
    '--fault "* /api/observability/* latency:2s p=0.1"': FULL_SCREEN,
    "mogplex-tui login": BROWSER,
    "mogplex-tui login --base-url http://127.0.0.1:4747": BROWSER,
    "mogplex-tui login --context prod": BROWSER,
    "pass mogplex/token | mogplex-tui login --token": "needs the password manager pass",
    "ssh -L 24816:127.0.0.1:24816 that-machine": OTHER_MACHINE,
    "mogplex-tui control-plane": SERVER,
    "make demo": FULL_SCREEN,
    "make test": "is what runs this test",
}
# Code of the guide for contributors is quoted from the sources; tests/hygiene/test_contributing.py compares it.
# Documents of the contract show requests and responses, often shortened.
PAGES = [path for path in DOCUMENTS if path.name != "CONTRIBUTING.md" and path.parent.name != "contract"]
# Generated pages show the syntax of commands.
WRITTEN = [path for path in PAGES if path.parent.name != "reference"]


@pytest.fixture(autouse=True)
def _restored_loggers() -> Iterator[None]:
    """Restore the loggers after each test.

    A command that runs in this process redirects them to its log file.
    """
    loggers = [logging.getLogger(name) for name in ("mogplex", "mogplex.http", "asyncio")]
    before = [(logger.level, logger.propagate, list(logger.handlers)) for logger in loggers]
    yield
    for logger, (level, propagate, handlers) in zip(loggers, before, strict=True):
        for handler in set(logger.handlers) - set(handlers):
            logger.removeHandler(handler)
            handler.close()
        logger.setLevel(level)
        logger.propagate = propagate


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandRunner]:
    """Start one plane for the module; each page gets a copy of a signed-in home."""
    folder = tmp_path_factory.mktemp("docs")
    with Plane(folder) as plane:
        yield CommandRunner(plane, folder)


def _identity(path: Path) -> str:
    return str(path.relative_to(ROOT))


RUNNABLE = [page for page in PAGES if list(commands(page.read_text())) or "```python" in page.read_text()]


@pytest.mark.parametrize("page", RUNNABLE, ids=map(_identity, RUNNABLE))
def test_commands_and_snippets_of_page_work(
    page: Path, runner: CommandRunner, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    session = runner.session(monkeypatch, capsys)
    failures = []
    for block in blocks(page.read_text()):
        if block.language == "console":
            for command in commands(f"```console\n{block.text}```\n"):
                if command not in NOT_RUN:
                    failures += session.run_command(command)
        elif block.language == "sh":
            failures += session.run_script(["bash", "-eu", "-c", block.text])
        elif block.language == "python":
            failures += session.run_python("-c", block.text)
    assert failures == []


@pytest.mark.parametrize("example", sorted((DOCS / "examples").glob("*.py")), ids=lambda path: path.stem)
def test_example_program_works(
    example: Path,
    runner: CommandRunner,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    copy = tmp_path / example.name
    copy.write_text(re.sub(r"(POLL_SECONDS =) .*", r"\1 0.05", example.read_text()))
    assert runner.session(monkeypatch, capsys).run_python(str(copy)) == []


def test_failing_examples_are_reported(
    runner: CommandRunner, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    session = runner.session(monkeypatch, capsys)
    (failure,) = session.run_command("mogplex-tui runs list --sort nothing")
    assert "exit code 2" in failure
    (failure,) = session.run_command("mogplex-tui runs list --sort nothing | cat")
    assert "exit code 2" in failure
    (failure,) = session.run_python("-c", "import mogplex_tui.nothing")
    assert "ModuleNotFoundError" in failure


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("mogplex-tui runs list '!state:success' \"age:<2h\"", False),
        ("mogplex-tui runs list age:<2h", True),
        ("mogplex-tui spec | head", True),
        ("MOGPLEX_TOKEN=$TOKEN mogplex-tui runs list", True),
        ("echo done", True),
    ],
    ids=["quoted", "redirected", "piped", "variable", "other-program"],
)
def test_shell_is_used_where_a_command_needs_one(command: str, expected: bool) -> None:
    assert needs_shell(command) == expected


@pytest.mark.parametrize("page", WRITTEN, ids=map(_identity, WRITTEN))
def test_commands_are_in_blocks_that_are_run(page: Path) -> None:
    text = page.read_text()
    indented = re.findall(r"^ {4}\$? ?mogplex-tui .*", text, re.MULTILINE)
    unmarked = [
        line
        for block in blocks(text)
        if block.language not in ("console", "sh")
        for line in block.text.splitlines()
        if line.startswith(("$ ", "mogplex-tui "))
    ]
    assert indented + unmarked == []


def test_each_reason_is_needed() -> None:
    named = {command for page in PAGES for command in commands(page.read_text())}
    assert NOT_RUN.keys() - named == set()


@pytest.mark.parametrize("command", [command for command in NOT_RUN if command.startswith("mogplex-tui ")])
def test_command_that_is_not_run_parses(command: str) -> None:
    parser.build(with_all_arguments=True).parse_args(shlex.split(command)[1:])


def test_toml_and_json_blocks_parse() -> None:
    import tomllib

    found = [block for page in PAGES for block in blocks(page.read_text())]
    for block in found:
        if block.language == "toml":
            tomllib.loads(block.text)
        elif block.language == "json":
            json.loads(block.text)
    assert {"toml", "json"} <= {block.language for block in found}
