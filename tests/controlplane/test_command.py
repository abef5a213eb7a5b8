"""The control-plane command as a process: its output, end, file and parent."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mogplex_tui.cli import control_plane
from tests.controlplane.api_paths import V1
from tests.controlplane.plane_process import COMMAND, DEADLINE, ROOT, read_first_line, start_plane_process

Start = Callable[..., "tuple[subprocess.Popen[str], dict[str, Any]]"]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def run(*args: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
        process = start_plane_process("--speed", "0", *args)
        started.append(process)
        return process, read_first_line(process)

    yield run
    for process in started:
        process.kill()
        process.communicate()


def test_command_prints_ready_line_serves_and_exits(start: Start) -> None:
    process, ready = start()
    assert set(ready) == {"base_url", "token", "read_only_token", "session_cookie", "webhook_secret", "db"}
    assert ready["base_url"].startswith("http://127.0.0.1:")
    headers = {"Authorization": f"Bearer {ready['token']}"}
    with httpx.Client(base_url=ready["base_url"], headers=headers) as client:
        assert client.get(f"{V1}/repos").json()["data"]["repos"]
        cookie = {"Cookie": ready["session_cookie"]}
        read_only = {"Authorization": f"Bearer {ready['read_only_token']}"}
        assert client.get("/api/observability/stats", headers=cookie).status_code == 200
        assert client.post(f"{V1}/runs", headers=read_only).status_code == 403
        # An open stream does not hold the plane up; it ends with it.
        with client.stream("GET", "/api/realtime/events?tables=ai_calls") as stream:
            lines = stream.iter_lines()
            assert next(lines) == ": connected"
            process.send_signal(signal.SIGTERM)
            assert [line for line in lines if line] == []
    out, err = process.communicate(timeout=DEADLINE)
    assert (process.returncode, out, err) == (0, "", "")
    assert not Path(ready["db"]).exists()


def test_database_file_is_resumed_on_same_port(start: Start, tmp_path: Path) -> None:
    db = tmp_path / "plane.db"
    process, ready = start("--db", str(db))
    port = ready["base_url"].rpartition(":")[2]
    headers = {"Authorization": f"Bearer {ready['token']}"}
    before = httpx.get(f"{ready['base_url']}{V1}/repos", headers=headers).json()
    process.terminate()
    process.communicate(timeout=DEADLINE)
    assert db.exists()
    _, again = start("--db", str(db), "--port", port)
    assert again == ready
    assert httpx.get(f"{again['base_url']}{V1}/repos", headers=headers).json() == before


def test_command_exits_with_parent(start: Start) -> None:
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        process, ready = start("--parent", str(parent.pid))
        parent.communicate(b"\n", timeout=DEADLINE)
        process.communicate(timeout=DEADLINE)
        assert process.returncode == 0
        assert not Path(ready["db"]).exists()
    finally:
        parent.kill()


def test_taken_port_is_reported_and_interrupt_is_a_clean_end(start: Start) -> None:
    first, ready = start()
    port = ready["base_url"].rpartition(":")[2]
    process = start_plane_process("--port", port)
    out, err = process.communicate(timeout=DEADLINE)
    assert (process.returncode, out) == (1, "")
    assert f"cannot start on port {port}" in err
    assert "Traceback" not in err
    first.send_signal(signal.SIGINT)
    _, err = first.communicate(timeout=DEADLINE)
    assert (first.returncode, err) == (0, "")


def run_here(*args: str) -> int:
    parser = argparse.ArgumentParser()
    control_plane.add_arguments(parser)
    try:
        return control_plane.run(parser.parse_args(args))
    except SystemExit as end:
        return int(end.code or 0)


def test_failed_start_gives_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear database, " * 100)
    for args, code, text in (
        (("--db", str(letter)), 1, "is not a control plane database"),
        (("--db", str(tmp_path / "no" / "dir.db")), 1, "cannot start on"),
        (("--speed", "-1"), 2, "'-1' is not a speed: use a number of at least 0"),
        (("--scale", "huge"), 2, "invalid choice"),
    ):
        assert run_here(*args) == code
        out, err = capsys.readouterr()
        assert out == ""
        assert text in err
        assert "Traceback" not in err


def test_signal_during_seeding_leaves_no_files(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    environment = {**os.environ, "TMPDIR": str(scratch)}
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "--speed", "0", "--scale", "medium"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment,
    )
    try:
        until = time.monotonic() + DEADLINE
        while not list(scratch.glob("*/plane.db-wal")) and time.monotonic() < until:
            assert process.poll() is None
            time.sleep(0.005)
        process.terminate()
        out, err = process.communicate(timeout=DEADLINE)
        assert (process.returncode, out) == (0, "")
        # Whether it had said by then that this takes a while is a matter of moments.
        assert [line for line in err.splitlines() if "writing the history" not in line] == []
        assert list(scratch.iterdir()) == []
    finally:
        process.kill()
