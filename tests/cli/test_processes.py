"""Commands as processes: signals, pipes, loaded modules and stored files."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import stat
import subprocess
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from mogplex_tui.config import contexts
from mogplex_tui.config.contexts import Context
from mogplex_tui.controlplane.server import PlaneServer
from tests.cli.command_process import COMMAND, start_command
from tests.cli.support import CommandRunner
from tests.controlplane.row_factory import RowFactory


async def test_ctrl_c_ends_follow_with_130(operator: CommandRunner, factory: RowFactory) -> None:
    call = factory.call(type="chat", status="streaming")
    factory.event(call, "log", message="under way")
    process = await start_command("runs", "events", call, "--follow")
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 30)
    assert b"under way" in line
    process.send_signal(signal.SIGINT)
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 130
    assert (out, err) == (b"", b"")


async def test_ctrl_c_at_confirmation_cancels_nothing(operator: CommandRunner, factory: RowFactory) -> None:
    run = factory.run(factory.repo("acme/api"))
    terminal, child_terminal = pty.openpty()
    try:
        process = await start_command("runs", "cancel", run, stdin=child_terminal)
        assert process.stderr is not None
        question = await asyncio.wait_for(process.stderr.readuntil(b"[y/N]"), 30)
        assert b"acme/api" in question
        process.send_signal(signal.SIGINT)
        _, err = await asyncio.wait_for(process.communicate(), 30)
    finally:
        os.close(terminal)
        os.close(child_terminal)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert factory.row("external_agent_runs", run)["status"] == "pending"


async def test_closed_pipe_is_no_failure(operator: CommandRunner, factory: RowFactory) -> None:
    call = factory.call(status="success")
    for number in range(400):
        factory.event(call, "log", message=f"{number} " + "x" * 1000)
    process = await asyncio.create_subprocess_shell(
        f"set -o pipefail; {' '.join(COMMAND)} runs events {call} --json | head -n 1",
        stdout=PIPE,
        stderr=PIPE,
        executable="/bin/bash",
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0
    assert json.loads(out)["object"] == "event"
    assert err == b""


async def test_full_disk_is_reported(operator: CommandRunner, factory: RowFactory) -> None:
    factory.call()
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        process = await asyncio.create_subprocess_exec(*COMMAND, "runs", "list", stdout=full, stderr=PIPE)
        _, err = await asyncio.wait_for(process.communicate(), 60)
    finally:
        os.close(full)
    assert process.returncode == 1
    assert b"could not be written" in err
    assert b"Traceback" not in err


async def test_ascii_output_is_escaped(
    operator: CommandRunner,
    factory: RowFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    factory.call(metadata={"agent_name": "Zoë"})
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    for options in ([], ["--json"]):
        process = await start_command("runs", "list", *options)
        out, err = await asyncio.wait_for(process.communicate(), 60)
        assert (process.returncode, err) == (0, b"")
        assert out.isascii()
    assert json.loads(out)["who"] == "Zoë"


def stored_files() -> list[Path]:
    return [path for path in Path(os.environ["HOME"]).rglob("*") if path.is_file()]


async def test_stored_files_are_private_without_secrets(
    operator: CommandRunner, plane: PlaneServer, factory: RowFactory
) -> None:
    factory.repo("acme/api")
    result = await operator("runs", "start", "--repo", "acme/api", "--prompt", "Fix it")
    assert result.code == 0
    files = stored_files()
    assert {"runs.json", "ledger.jsonl"} <= {path.name for path in files}
    for path in files:
        text = path.read_text()
        assert plane.token not in text
        assert plane.session_cookie.partition("=")[2] not in text
        if path.name != "mogplex-tui.log":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_help_and_usage_errors_load_no_heavy_module() -> None:
    code = (
        "import sys\nfrom mogplex_tui.cli import parser\n"
        "for argv in (['runs', '--help'], ['runs', 'start'], ['stats', '--help'], ['doctor', '--help'],\n"
        "        ['jobs', '--help'], ['sandboxes', 'launch'], ['completions', 'zsh']):\n"
        "    try: parser.run(argv)\n"
        "    except SystemExit: pass\n"
        "print(*sorted({'httpx', 'pydantic', 'textual', 'rich', 'starlette'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == ""


def test_headless_command_does_not_load_textual() -> None:
    code = (
        "import sys\nimport mogplex_tui.cli.runs, mogplex_tui.cli.start_and_cancel, mogplex_tui.cli.run_records, "
        "mogplex_tui.cli.stats, mogplex_tui.cli.doctor, mogplex_tui.cli.doctor_checks, mogplex_tui.cli.watch, "
        "mogplex_tui.cli.kind_commands, mogplex_tui.cli.list_automation_runs, mogplex_tui.cli.sandbox_commands\n"
        "print(*sorted({'textual', 'rich', 'starlette', 'uvicorn'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""


def test_pipe_closed_at_start_fails_no_command() -> None:
    contexts.change(lambda known: known.put(Context("demo", "http://127.0.0.1:1")))
    for words in (["contexts", "list"], ["contexts", "list", "--json"], ["info"], ["completions", "zsh"]):
        reader, writer = os.pipe()
        os.close(reader)
        try:
            result = subprocess.run([*COMMAND, *words], stdout=writer, stderr=PIPE, check=False, timeout=30)
        finally:
            os.close(writer)
        assert (words, result.returncode, result.stderr) == (words, 0, b"")
