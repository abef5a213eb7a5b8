"""Sandbox commands and their cancellation: modes, lock, budgets and disconnects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.calls import admission_writes
from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.db.clock import HOUR_US, MINUTE_US, SECOND_US
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory
from tests.controlplane.sandboxes.sandbox_streams import BOX, events, idle, next_event, running, tick

STREAM = {"Accept": "text/event-stream"}


async def run(client: httpx.AsyncClient, box: str, command: str, **more: Any) -> dict[str, Any]:
    answer = await client.post(f"{BOX}/{box}/exec", json={"command": command, **more})
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-mogplex-exec-mode"] == "immediate"
    found: dict[str, Any] = answer.json()
    assert set(found) == {"exitCode", "stdout", "stderr", "cwd"}
    return found


@pytest.mark.parametrize(
    ("command", "code", "stdout", "stderr"),
    [
        ("pwd", 0, "/vercel/sandbox\n", ""),
        ("echo hello world", 0, "hello world\n", ""),
        ("git status -sb", 0, "## main\n", ""),
        ("false || echo saved; exit 3; echo never", 3, "saved\n", ""),
        ("frobnicate --all", 127, "", "sh: 1: frobnicate: not found\n"),
        ("cat nope", 1, "", "cat: nope: No such file or directory\n"),
        ("cat README.md | head -1", 0, "# small\n", ""),
        ("cd src && pwd", 0, "/vercel/sandbox/src\n", ""),
        ("echo one fine day | grep -i 'ONE.*d[a-z]y$'", 0, "one fine day\n", ""),
        # Looked for as it stands: to search with it would take longer than anybody lives.
        (f"echo {'a' * 40}b | grep '(a+)+$'", 1, "", ""),
        (f"echo {'a' * 2_000}b | grep 'a*a*a*a*c'", 1, "", ""),
        ("echo 'open", 2, "", "sh: 1: Syntax error: Unterminated quoted string\n"),
    ],
)
async def test_commands_end_with_their_exit_code(
    client: httpx.AsyncClient, factory: RowFactory, command: str, code: int, stdout: str, stderr: str
) -> None:
    box = factory.sandbox(factory.repo("acme/small"))
    expected = {"exitCode": code, "stdout": stdout, "stderr": stderr, "cwd": "."}
    assert await run(client, box, command) == expected


async def test_test_command_fails_with_marker_file(client: httpx.AsyncClient, factory: RowFactory) -> None:
    box = factory.sandbox(factory.repo("acme/small"))
    good = await run(client, box, "npm test")
    assert good["exitCode"] == 0 and "test/routes.test.ts" in good["stdout"]
    await run(client, box, "echo FAIL_TESTS > src/broken.ts")
    bad = await run(client, box, "npm test")
    assert bad["exitCode"] == 1 and "1 failed" in bad["stdout"]


async def test_files_that_a_command_writes_stay(client: httpx.AsyncClient, factory: RowFactory) -> None:
    box = factory.sandbox(factory.repo("acme/small"))
    await run(
        client, box, "mkdir -p notes && echo one > notes/a.txt && echo two >> notes/a.txt && rm src/index.ts"
    )
    read = await client.get(f"{BOX}/{box}/files", params={"path": "notes/a.txt"})
    assert read.json() == {"path": "notes/a.txt", "content": "one\ntwo\n"}
    status = await run(client, box, "git status -s")
    assert status["stdout"] == "?? notes/a.txt\n D src/index.ts\n"
    done = await run(client, box, "git add . && git commit -m 'Notes'")
    assert done["exitCode"] == 0 and "2 files changed" in done["stdout"]
    assert (await run(client, box, "git status -s"))["stdout"] == ""


async def test_arguments_are_passed_without_a_shell(client: httpx.AsyncClient, factory: RowFactory) -> None:
    box = factory.sandbox(factory.repo())
    found = await run(client, box, "echo", args=["a && b", ">", "c"])
    assert found["stdout"] == "a && b > c\n"


async def test_command_runs_in_root_directory_by_default(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    box = factory.sandbox(factory.repo(), root_directory="apps/web")
    assert await run(client, box, "pwd") == {
        "exitCode": 0, "stdout": "/vercel/sandbox/apps/web\n", "stderr": "", "cwd": "apps/web",
    }  # fmt: skip
    assert (await run(client, box, "pwd", cwd="apps"))["cwd"] == "apps"
    missing = await client.post(f"{BOX}/{box}/exec", json={"command": "ls", "cwd": "nowhere"})
    assert missing.status_code == 500 and "nowhere" in missing.json()["error"]
    assert (await run(client, box, "true"))["exitCode"] == 0


@pytest.mark.parametrize(
    ("command", "code", "cwd", "said"),
    [
        ("cd src", 0, "src", ""),
        ("cd src/lib/..", 0, "src", ""),
        ("cd", 0, ".", ""),
        ("cd nowhere", 1, ".", "No such file or directory"),
        ("cd README.md", 1, ".", "Not a directory"),
        ("cd ../..", 1, ".", "outside"),
        ("claude", 1, ".", "input"),
        ("vim README.md", 1, ".", "terminal"),
        ("python3", 1, ".", "input"),
        ("psql shop", 1, ".", "-c"),
    ],
)
async def test_cd_and_interactive_programs_are_json_even_for_a_stream(
    client: httpx.AsyncClient, factory: RowFactory, command: str, code: int, cwd: str, said: str
) -> None:
    box = factory.sandbox(factory.repo("acme/small"))
    answer = await client.post(f"{BOX}/{box}/exec", json={"command": command}, headers=STREAM)
    assert answer.headers["x-mogplex-exec-mode"] == "immediate"
    found = answer.json()
    assert (found["exitCode"], found["stdout"], found["cwd"]) == (code, "", cwd)
    assert said in found["stderr"]
    assert factory.row("sandboxes", box)["exec_lock_token"] is None


async def test_a_stream_has_its_command_in_a_header_and_ends_with_done(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    box = factory.sandbox(factory.repo())
    answer = await client.post(f"{BOX}/{box}/exec", json={"command": "echo hi; nope"}, headers=STREAM)
    assert events(answer) == [
        {"type": "run", "cmdId": answer.headers["x-exec-cmd-id"]},
        {"type": "log", "stream": "stdout", "data": "hi\n"},
        {"type": "log", "stream": "stderr", "data": "sh: 1: nope: not found\n"},
        {"type": "done", "exitCode": 127, "cwd": "."},
    ]


@pytest.mark.parametrize("body", [{}, {"command": ""}, {"command": "  "}, {"command": 7}])
async def test_a_command_is_required(
    client: httpx.AsyncClient, factory: RowFactory, body: dict[str, object]
) -> None:
    for box in (factory.sandbox(factory.repo()), "nobody"):
        answer = await client.post(f"{BOX}/{box}/exec", json=body)
        assert (answer.status_code, answer.json()) == (400, {"error": "command required"})


async def test_a_sandbox_without_a_machine_is_not_ready(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    box = factory.sandbox(factory.repo(), status="creating", sandbox_id="pending")
    for path, body in (("exec", {"command": "ls"}), ("exec/cancel", {"cmdId": "cmd_1"})):
        answer = await client.post(f"{BOX}/{box}/{path}", json=body)
        assert (answer.status_code, answer.json()) == (409, {"error": "Sandbox is not ready"})
    assert factory.plane.db.value("SELECT COUNT(*) FROM limit_events") == 0


async def test_reading_a_woken_machine_updates_its_record(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    box = factory.sandbox(factory.repo(), status="paused")
    assert (await run(client, box, "echo up"))["stdout"] == "up\n"
    assert factory.row("sandboxes", box)["status"] == "paused"
    read = (await client.get(f"{BOX}/{box}")).json()["sandbox"]
    assert read["runtime_summary"]["status"] == "running"


async def test_waking_needs_funds_and_a_machine(client: httpx.AsyncClient, factory: RowFactory) -> None:
    with factory.plane.db.transaction() as tx:
        tx.update("profiles", factory.user, allow_platform_sandbox=0)
    repo = factory.repo()
    paused = factory.sandbox(repo, status="paused")
    answer = await client.post(f"{BOX}/{paused}/exec", json={"command": "ls"})
    text = "Hosted sandbox compute requires a positive billing balance"
    assert (answer.status_code, answer.json()) == (402, {"error": text})
    stopped = factory.sandbox(repo, status="stopped")
    answer = await client.post(f"{BOX}/{stopped}/exec", json={"command": "ls"})
    assert answer.status_code == 500 and "does not exist" in answer.json()["error"]
    for box in (paused, stopped):
        assert factory.row("sandboxes", box)["exec_lock_token"] is None


async def test_a_coding_cli_needs_ai(client: httpx.AsyncClient, factory: RowFactory) -> None:
    box = factory.sandbox(factory.repo())
    assert (await run(client, box, "codex exec fix"))["exitCode"] == 0
    with factory.plane.db.transaction() as tx:
        tx.update("profiles", factory.user, allow_platform_ai=0)
    answer = await client.post(f"{BOX}/{box}/exec", json={"command": "codex exec fix"})
    assert answer.status_code == 401
    assert factory.row("sandboxes", box)["exec_lock_token"] is None


async def test_second_command_is_refused_while_one_runs() -> None:
    async with running(1.0) as (server, factory, client):
        box = factory.sandbox(factory.repo())
        path = f"{BOX}/{box}/exec"
        async with client.stream("POST", path, json={"command": "sleep 60"}, headers=STREAM) as held:
            lines = held.aiter_lines()
            first = await next_event(lines)
            answer = await client.post(path, json={"command": "ls"})
            assert (answer.status_code, answer.headers["retry-after"]) == (429, "15")
            assert answer.json() == {
                "error": "Another sandbox command is already running",
                "code": "sandbox_exec_concurrency_limited",
                "retryAfterSeconds": 15,
                "limit": {"name": "sandbox_exec_in_flight", "value": 1, "windowSeconds": 0},
            }
            other = factory.sandbox(factory.repo("acme/web"))
            assert (await run(client, other, "true"))["exitCode"] == 0
            assert (await client.post(f"{path}/cancel", json={"cmdId": first["cmdId"]})).json() == {
                "ok": True
            }
            assert await next_event(lines) == {"type": "done", "exitCode": 130, "cwd": "."}
        await idle(server)
        assert (await run(client, box, "true"))["exitCode"] == 0
        denied = factory.plane.db.only("SELECT * FROM limit_events WHERE decision = 'denied'")
        assert (denied["limit_name"], denied["sandbox_id"]) == ("sandbox_exec_in_flight", box)


async def test_disconnect_kills_command_and_frees_sandbox() -> None:
    async with running(1.0) as (server, factory, client):
        box = factory.sandbox(factory.repo())
        body = {"command": "echo before > a.txt; sleep 60; echo after > b.txt"}
        async with client.stream("POST", f"{BOX}/{box}/exec", json=body, headers=STREAM) as held:
            await next_event(held.aiter_lines())
            assert factory.row("sandboxes", box)["exec_lock_token"] is not None
        await idle(server)
        assert factory.row("sandboxes", box)["exec_lock_token"] is None
        assert (await run(client, box, "ls a.txt"))["exitCode"] == 0
        assert (await run(client, box, "ls b.txt"))["exitCode"] == 2


@pytest.mark.parametrize("way", ["pause", "stop"])
async def test_machine_end_ends_command(way: str) -> None:
    async with running(1.0) as (server, factory, client):
        box = factory.sandbox(factory.repo())
        body = {"command": "sleep 60"}
        async with client.stream("POST", f"{BOX}/{box}/exec", json=body, headers=STREAM) as held:
            lines = held.aiter_lines()
            await next_event(lines)
            assert (await client.post(f"{BOX}/{box}/{way}")).status_code == 200
            assert await next_event(lines) == {"type": "done", "exitCode": 137, "cwd": "."}
        await idle(server)
        assert factory.row("sandboxes", box)["exec_lock_token"] is None


@pytest.mark.parametrize(
    ("count", "age_us", "text", "name", "window", "wait"),
    [
        (
            20,
            MINUTE_US - 12 * SECOND_US,
            "Sandbox exec rate limit exceeded",
            "sandbox_execs_per_minute",
            60,
            12,
        ),
        (
            120,
            HOUR_US - SECOND_US // 2,
            "Hourly sandbox exec quota exceeded",
            "sandbox_execs_per_hour",
            3600,
            1,
        ),
    ],
)
async def test_exec_budget_is_per_user(
    client: httpx.AsyncClient,
    factory: RowFactory,
    count: int,
    age_us: int,
    text: str,
    name: str,
    window: int,
    wait: int,
) -> None:
    repo = factory.repo()
    elsewhere = factory.sandbox(repo, working_branch="elsewhere")
    columns: dict[str, Any] = {
        "user_id": factory.user,
        "route_key": "sandbox_exec",
        "decision": "allowed",
        "sandbox_id": elsewhere,
    }
    with factory.plane.db.transaction() as tx:
        for _ in range(count):
            admission_writes.record_limit(
                tx, at=factory.clock.us - age_us, resource_id="a command", **columns
            )
            # One of the story, which is somebody else's.
            admission_writes.record_limit(tx, at=factory.clock.us, **columns)
    box = factory.sandbox(repo)
    answer = await client.post(f"{BOX}/{box}/exec", json={"command": "ls"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, str(wait))
    assert answer.json() == {
        "error": text,
        "code": "sandbox_exec_rate_limited",
        "retryAfterSeconds": wait,
        "limit": {"name": name, "value": count, "windowSeconds": window},
    }
    factory.clock.advance(wait)
    assert (await run(client, box, "true"))["exitCode"] == 0


async def test_a_forgotten_lock_is_nobodys_after_five_hours(
    client: httpx.AsyncClient, factory: RowFactory, clock: ManualClock
) -> None:
    box = factory.sandbox(factory.repo())
    tick(factory, box, exec_lock_token="old", exec_lock_started_at=clock.us)
    clock.advance(5 * 3600 - 1)
    assert (await client.post(f"{BOX}/{box}/exec", json={"command": "ls"})).status_code == 429
    clock.advance(1)
    assert (await run(client, box, "true"))["exitCode"] == 0


async def test_restart_releases_exec_locks(tmp_path: Path) -> None:
    settings, clock = Settings(speed=0, seeded=False), ManualClock()
    async with PlaneServer(settings, tmp_path / "plane.db", clock) as server:
        factory = RowFactory(server.plane, clock)
        box = factory.sandbox(factory.repo())
        tick(factory, box, exec_lock_token="old", exec_lock_started_at=clock.us)
    async with PlaneServer(settings, tmp_path / "plane.db", clock) as server:
        assert RowFactory(server.plane, clock).row("sandboxes", box)["exec_lock_token"] is None


async def test_a_cancel_names_a_running_command(client: httpx.AsyncClient, factory: RowFactory) -> None:
    box = factory.sandbox(factory.repo())
    answer = await client.post(f"{BOX}/{box}/exec/cancel", json={})
    assert (answer.status_code, answer.json()) == (400, {"error": "cmdId required"})
    answer = await client.post(f"{BOX}/{box}/exec/cancel", json={"cmdId": "cmd_gone"})
    assert answer.status_code == 500 and "cmd_gone" in answer.json()["error"]
