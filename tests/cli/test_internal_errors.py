"""An internal error ends a command with one sentence and a logged traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from mogplex_tui.api import transport
from mogplex_tui.cli import info
from mogplex_tui.config.paths import log_file
from tests.api.support import RUN_ID, TOKEN, ok, serving
from tests.cli.support import CommandRunner

ERRORS = {
    "overflow": OverflowError("int too large to convert to float"),
    "recursion": RecursionError("maximum recursion depth exceeded"),
    "memory": MemoryError(),
    "key": KeyError("runs"),
    "with a secret": ValueError(f"bad header: Bearer {TOKEN}"),
    "with control characters": RuntimeError("\x1b]0;title\x07 two\nlines"),
}
COMMANDS = [
    ("runs", "list"),
    ("runs", "get", RUN_ID),
    ("runs", "events", RUN_ID),
    ("jobs", "list"),
    ("doctor",),
]


def raise_in_transport(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(transport, "classify", fail)


def check(code: int, out: str, err: str, error: Exception) -> None:
    assert code == 1
    assert not out
    (line,) = err.splitlines()
    assert line.isprintable()
    assert line.startswith(f"Internal error of mogplex-tui ({type(error).__name__}")
    assert TOKEN not in err


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS.keys())
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
async def test_internal_error_is_one_sentence(
    mogplex: CommandRunner, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], error: Exception
) -> None:
    raise_in_transport(error, monkeypatch)
    async with serving(ok({})) as service:
        mogplex.use(service.base_url)
        result = await mogplex(*command)
    check(result.code, result.out, result.err, error)
    assert result.err.endswith(f"Details are in {log_file()}.\n")
    logged = log_file().read_text()
    assert "Traceback (most recent call last)" in logged
    assert type(error).__name__ in logged
    assert TOKEN not in logged


async def test_internal_error_in_command_without_service(
    mogplex: CommandRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = OSError("disk on fire")

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(info, "settings_of", fail)
    result = await mogplex("info")
    check(result.code, result.out, result.err, error)
    assert "disk on fire" in log_file().read_text()


async def test_log_that_cannot_be_written_is_reported(
    mogplex: CommandRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    error = KeyError("runs")
    raise_in_transport(error, monkeypatch)
    # A directory that is a file.
    (tmp_path / "state").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    async with serving(ok({})) as service:
        mogplex.use(service.base_url)
        result = await mogplex("jobs", "list")
    check(result.code, result.out, result.err, error)
    assert result.err.endswith(f"The log {log_file()} cannot be written.\n")
