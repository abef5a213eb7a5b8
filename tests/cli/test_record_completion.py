"""Ids and names of records are stored by `list` and completed offline."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import select
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from mogplex_tui.config.paths import state_dir
from mogplex_tui.controlplane.db.clock import HOUR_US
from mogplex_tui.live.completion_records import FILE, MAX_RECORDS, KnownRecord, KnownRecords, read_known
from tests.api.support import Seen, Service, http, serving
from tests.cli.support import CommandRunner
from tests.controlplane.row_factory import RowFactory

NAMES = {
    "5e700000-0000-4000-8000-000000000001": "web search",
    "5e700000-0000-4000-8000-000000000002": 'it\'s "ours"',
    "5e700000-0000-4000-8000-000000000003": "deploy: staging",
    "5e700000-0000-4000-8000-000000000004": "$(exit) costs $5!",
    "5e700000-0000-4000-8000-000000000005": "Über\\slash",
    "6e700000-0000-4000-8000-000000000006": "same name",
    "7e700000-0000-4000-8000-000000000007": "same name",
    "8e700000-0000-4000-8000-000000000008": "colour \x1b[31m\n red",
    "9e700000-0000-4000-8000-000000000009": "--yes",
    "ae700000-0000-4000-8000-00000000000a": "mog_Q2xv9TbYk0LmWc7ReHs4DpZa",
}
COMPLETED_BY_ID = {key for key, name in NAMES.items() if name in ("same name", "--yes") or key[0] in "8a"}


async def _respond(seen: Seen, _: asyncio.StreamWriter) -> bytes:
    if seen.path != "/api/mcp-servers":
        return http(404, b"{}")
    servers = [
        {"id": key, "name": name, "transport": "stdio", "enabled": True, "command": "npx"}
        for key, name in NAMES.items()
    ]
    return http(200, json.dumps({"servers": servers}).encode())


@pytest.fixture
async def service(mogplex: CommandRunner) -> AsyncIterator[Service]:
    """A service whose MCP servers a command has listed in the context `work`."""
    async with serving(_respond) as running:
        added = await mogplex("contexts", "add", "work", "--base-url", running.base_url, "--use")
        assert added.code == 0
        os.environ["MOGPLEX_TOKEN"] = "mog_Q2xv9TbYk0LmWc7ReHs4DpZa"
        os.environ["MOGPLEX_SESSION_COOKIE"] = "session=1"
        assert (await mogplex("mcp-servers", "list")).code == 0
        yield running


@pytest.fixture(autouse=True)
def _restore_environment() -> Iterator[None]:
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def complete_offline(*arguments: str) -> list[str]:
    """Return the lines of the hidden command, which must succeed without a message."""
    result = subprocess.run(
        [sys.executable, "-m", "mogplex_tui", "__complete", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stderr == ""
    return result.stdout.splitlines()


# The text before Tab, and the last argument that the command then gets.
TYPED_WORDS = {
    "name with a space": ("mcp-servers get w", "web search"),
    "escaped space": ("mcp-servers get web\\ s", "web search"),
    "open double quote": ('mcp-servers get "web s', "web search"),
    "open single quote": ("mcp-servers get 'it", 'it\'s "ours"'),
    "double quote at the end": ('mcp-servers get "it', 'it\'s "ours"'),
    "both quotes in the name": ("mcp-servers get it", 'it\'s "ours"'),
    "colon": ("mcp-servers get deploy:", "deploy: staging"),
    "behind a colon": ("mcp-servers get deploy:\\ st", "deploy: staging"),
    "nothing is executed": ("mcp-servers get \\$", "$(exit) costs $5!"),
    "dollar in double quotes": ('mcp-servers get "\\$(e', "$(exit) costs $5!"),
    "letters beyond ASCII": ("mcp-servers get Ü", "Über\\slash"),
    "id": ("mcp-servers get 8e7", "8e700000-0000-4000-8000-000000000008"),
    "second record": ("mcp-servers enable 8e70 w", "web search"),
    "context on the line": ("--context work mcp-servers get w", "web search"),
    "another context has none": ("--context other mcp-servers get w", "w"),
    "one record only": ("mcp-servers get one w", "w"),
}


def _complete_in_bash(home: Path, lines: list[str]) -> list[list[str]]:
    """Type lines into an interactive bash, each with Tab and Enter.

    Returns the arguments of each command.
    """
    script, program, record_file = home / "script", home / "bin" / "mogplex-tui", home / "called"
    main = [sys.executable, "-m", "mogplex_tui"]
    script.write_text(
        subprocess.run([*main, "completions", "bash"], capture_output=True, text=True, check=True).stdout
    )
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/bash\n[[ $1 == __complete ]] && exec {" ".join(main)} "$@"\n'
        f"printf '%s\\0' \"$@\" >>{record_file}; printf '\\n' >>{record_file}\n"
    )
    program.chmod(0o755)
    environ = {
        **os.environ,
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "TERM": "dumb",
        "LANG": "C.UTF-8",
        "HISTFILE": "",
    }
    terminal, child_terminal = pty.openpty()
    shell = subprocess.Popen(
        ["bash", "--norc", "--noprofile", "-i"],
        stdin=child_terminal,
        stdout=child_terminal,
        stderr=child_terminal,
        env=environ,
        start_new_session=True,
    )
    os.close(child_terminal)
    shown, deadline = b"", time.monotonic() + 60
    found: list[list[str]] = []

    def until(count: int) -> None:
        nonlocal shown
        while not record_file.exists() or record_file.read_bytes().count(b"\n") < count:
            assert time.monotonic() < deadline, shown.decode(errors="replace")
            if select.select([terminal], [], [], 0.05)[0]:
                shown += os.read(terminal, 65536)

    try:
        os.write(terminal, f"source {script}; bind 'set bell-style none'\n".encode())
        for number, line in enumerate(lines, 1):
            os.write(terminal, f"mogplex-tui {line}\t\n".encode())
            until(number)
    finally:
        shell.kill()
        shell.wait()
        os.close(terminal)
    for record in record_file.read_bytes().decode().split("\0\n"):
        if record:
            found.append(record.split("\0"))
    return found


async def test_bash_completes_names_and_ids_without_request(
    service: Service, mogplex: CommandRunner, tmp_path: Path
) -> None:
    if shutil.which("bash") is None:
        pytest.skip("there is no bash here")
    await mogplex("contexts", "add", "other", "--base-url", "http://127.0.0.1:1")
    before = len(service.seen)
    completed = await asyncio.to_thread(
        _complete_in_bash, tmp_path, [line for line, _ in TYPED_WORDS.values()]
    )
    assert {case: words[-1] for case, words in zip(TYPED_WORDS, completed, strict=True)} == {
        case: word for case, (_, word) in TYPED_WORDS.items()
    }
    assert len(service.seen) == before


async def test_empty_word_completes_each_record_once(service: Service) -> None:
    offered = complete_offline("zsh", "mcp-servers", "mcp-servers", "get", "")
    assert {line.partition("\t")[0] for line in offered} == {
        key if key in COMPLETED_BY_ID else name for key, name in NAMES.items()
    }
    assert "web search\t5e700000-0000-4000-8000-000000000001" in offered
    text = (state_dir("work") / FILE).read_text()
    assert "mog_" not in text
    assert "npx" not in text


async def test_records_are_completed_without_a_context(operator: CommandRunner, factory: RowFactory) -> None:
    now = factory.clock.us
    old = factory.call(repo_id=factory.repo("acme/api"), started_at=now - 2 * HOUR_US)
    newest = factory.call(repo_id=factory.repo("acme/web"), started_at=now - HOUR_US)
    assert (await operator("runs", "list")).code == 0
    assert complete_offline("zsh", "runs", "runs", "get", "") == [f"{newest}\t", f"{old}\t"]
    assert [line.split("\t")[0] for line in complete_offline("fish", "projects", "run", "acme/w")] == [
        "acme/web"
    ]


async def test_typed_records_are_not_completed_again(service: Service) -> None:
    offered = complete_offline("fish", "mcp-servers", "mcp-servers", "enable", "web search", "'we")
    assert offered == []
    assert complete_offline("fish", "mcp-servers", "mcp-servers", "enable", "other", "'we") != []


async def test_known_records_are_private_and_removed_with_context(
    service: Service, mogplex: CommandRunner
) -> None:
    path = state_dir("work") / FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (await mogplex("contexts", "remove", "work", "--yes")).code == 0
    assert not path.exists()


@pytest.mark.parametrize(
    "damage",
    ["{", "[]", '{"mcp-servers": 1}', '{"mcp-servers": [["one"], [1, 2], null]}', "[" * 100_000, "\x00"],
    ids=["cut", "list", "number", "wrong rows", "deep nesting", "null byte"],
)
async def test_damaged_file_completes_nothing_until_next_list(
    service: Service, mogplex: CommandRunner, damage: str
) -> None:
    path = state_dir("work") / FILE
    path.write_text(damage)
    assert complete_offline("zsh", "mcp-servers", "mcp-servers", "get", "") == []
    assert path.read_text() == damage
    assert (await mogplex("mcp-servers", "list")).code == 0
    assert "web search" in [name for _, name in read_known(state_dir("work"), "mcp-servers")]


@pytest.mark.parametrize(
    "arguments",
    [(), ("bash",), ("zsh", "mcp-servers"), ("bash", "mcp-servers", "x"), ("zsh", "no", "")],
    ids=["none", "shell only", "no word", "no line", "unknown kind"],
)
def test_invalid_arguments_complete_nothing(arguments: tuple[str, ...]) -> None:
    assert complete_offline(*arguments) == []


def test_newest_records_are_kept_and_deleted_dropped(tmp_path: Path) -> None:
    def save(ids: range, *, is_complete: bool) -> list[str]:
        known = KnownRecords(tmp_path)
        known.remember("skills", (KnownRecord(str(each)) for each in ids), is_complete=is_complete)
        known.save()
        return [each.id for each in read_known(tmp_path, "skills")]

    assert save(range(MAX_RECORDS + 10), is_complete=True) == list(map(str, range(MAX_RECORDS)))
    added = save(range(MAX_RECORDS, MAX_RECORDS + 2), is_complete=False)
    assert added == list(map(str, (MAX_RECORDS, MAX_RECORDS + 1, *range(MAX_RECORDS - 2))))
    assert save(range(2), is_complete=True) == ["0", "1"]
