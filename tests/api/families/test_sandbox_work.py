"""Sandbox boots, commands and coding CLIs, and their streams, over HTTP.

sandboxes.md §3, §4.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.models.sandbox_events import BootLog, CommandStarted, HarnessStarted, SandboxReady
from mogplex_tui.api.models.sandbox_requests import (
    CommandDraft,
    HarnessDraft,
    LaunchDraft,
)
from mogplex_tui.api.models.stream_events import Output, StreamEnd, StreamEndKind
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.controlplane.server import PlaneServer
from tests.api.chunked_streams import open_connections
from tests.api.families.minimal_plane import NOBODY, MinimalPlane, read_events, running_sandbox
from tests.api.support import until
from tests.controlplane.row_factory import RowFactory
from tests.controlplane.sandboxes.sandbox_streams import running

# Booting


async def test_launch_streams_to_end_and_second_launch_finds_it(minimal_plane: MinimalPlane) -> None:
    draft = LaunchDraft(
        repo_id=minimal_plane.world.repo("acme/small"), working_branch="fix/tax", create_branch=True
    )
    boot = minimal_plane.client.sandboxes.launch(draft)
    events = await read_events(boot)
    assert events[0].type == "status" and any(isinstance(event, SandboxReady) for event in events)
    assert any(isinstance(event, BootLog) and event.phase == "install" for event in events)
    assert boot.end == StreamEnd(StreamEndKind.DONE) and boot.as_stream
    assert boot.sandbox is not None and boot.sandbox.status == "running"
    again = minimal_plane.client.sandboxes.launch(draft)
    assert [event.type for event in await read_events(again)] == ["found"]
    assert not again.as_stream and again.record_id == boot.record_id
    with pytest.raises(e.BadRequest, match="New branch name must differ"):
        await read_events(
            minimal_plane.client.sandboxes.launch(
                LaunchDraft(
                    repo_id=draft.repo_id, base_branch="dev", working_branch="main", create_branch=True
                )
            )
        )


async def test_failed_boot_reports_reason(minimal_plane: MinimalPlane) -> None:
    with minimal_plane.world.plane.db.transaction() as tx:
        tx.update("profiles", minimal_plane.world.user, github_oauth=1)
    repo = minimal_plane.world.repo("acme/closed", github_installation_id=None)
    boot = minimal_plane.client.sandboxes.launch(LaunchDraft(repo_id=repo))
    await read_events(boot)
    assert boot.end is not None and boot.end.kind is StreamEndKind.FAILED
    assert "repository not found" in boot.end.message
    with pytest.raises(e.Unavailable, match="repository not found"):
        await minimal_plane.client.sandboxes.launch_and_wait(LaunchDraft(repo_id=repo))


async def test_v1_launch_returns_after_boot(minimal_plane: MinimalPlane) -> None:
    launched = await minimal_plane.client.sandboxes.launch_and_wait(
        LaunchDraft(repo_id=minimal_plane.world.repo("acme/small"))
    )
    assert launched.status == "running" and launched.preview_url
    assert launched.id in {row.id for row in await minimal_plane.client.sandboxes.list()}
    assert (await minimal_plane.client.sandboxes.logs(launched.id)).sandbox.install_log
    with pytest.raises(e.NotFound, match="Repo not found"):
        await minimal_plane.client.sandboxes.launch_and_wait(LaunchDraft(repo_id=NOBODY))


async def test_boot_quota_error_has_its_limit(minimal_plane: MinimalPlane) -> None:
    repo = minimal_plane.world.repo("acme/small")
    for name in ("a", "b", "c"):
        minimal_plane.world.sandbox(repo, working_branch=name, sandbox_id=f"vm-{name}")
    with pytest.raises(e.Throttled, match="Too many active sandboxes") as caught:
        await read_events(minimal_plane.client.sandboxes.launch(LaunchDraft(repo_id=repo)))
    error = caught.value
    assert (error.code, error.retry_after) == ("sandbox_boot_rate_limited", 15)
    assert error.extra["limit"]["name"] == "active_sandboxes" and not error.of_requests


async def test_resume_and_restart_report_the_sandbox_record(minimal_plane: MinimalPlane) -> None:
    sandbox = running_sandbox(minimal_plane, status="paused", persistent=1)
    boot = minimal_plane.client.sandboxes.resume(sandbox)
    await read_events(boot)
    assert boot.end == StreamEnd(StreamEndKind.DONE) and boot.record_id == sandbox
    with pytest.raises(e.BadRequest, match="not paused"):
        await read_events(minimal_plane.client.sandboxes.resume(sandbox))
    again = minimal_plane.client.sandboxes.restart(sandbox)
    await read_events(again)
    assert again.end == StreamEnd(StreamEndKind.DONE) and again.record_id == sandbox
    fleeting = minimal_plane.world.sandbox(
        minimal_plane.world.repo("acme/b"), persistent=0, sandbox_id="vm-2"
    )
    other = minimal_plane.client.sandboxes.restart(fleeting)
    await read_events(other)
    assert other.end == StreamEnd(StreamEndKind.DONE) and other.record_id not in (None, fleeting)
    with pytest.raises(e.Conflict, match="pausing"):
        await read_events(
            minimal_plane.client.sandboxes.resume(
                running_sandbox(minimal_plane, status="pausing", sandbox_id="vm-3")
            )
        )


# Commands


async def test_a_command_is_followed_or_waited_for(minimal_plane: MinimalPlane) -> None:
    sandbox = running_sandbox(minimal_plane)
    run = minimal_plane.client.sandboxes.exec(sandbox, CommandDraft(command="echo hi; exit 3"))
    events = await read_events(run)
    assert "".join(event.data for event in events if isinstance(event, Output)) == "hi\n"
    assert (run.exit_code, run.end) == (3, StreamEnd(StreamEndKind.DONE)) and run.command_id
    cd = minimal_plane.client.sandboxes.exec(sandbox, CommandDraft(command="cd src"))
    await read_events(cd)
    assert (cd.as_stream, cd.cwd, cd.exit_code) == (False, "src", 0)
    whole = await minimal_plane.client.sandboxes.run_command(
        sandbox, CommandDraft(command="echo", args=["a", "&&"], cwd="src")
    )
    assert (whole.exit_code, whole.stdout, whole.cwd) == (0, "a &&\n", "src")
    with pytest.raises(e.ServiceFailed, match="not running"):
        await minimal_plane.client.sandboxes.cancel_command(sandbox, "cmd_0")
    pending = running_sandbox(minimal_plane, sandbox_id="pending", status="creating", working_branch="p")
    with pytest.raises(e.Conflict, match="not ready"):
        await read_events(minimal_plane.client.sandboxes.exec(pending, CommandDraft(command="ls")))


@asynccontextmanager
async def slow_plane(speed: float = 1.0) -> AsyncIterator[tuple[PlaneServer, RowFactory, MogplexClient]]:
    """A plane whose machines take their time, with a client of its account."""
    async with running(speed) as (server, world, _):
        target = Target("slow", server.base_url, Secret(server.token))
        async with MogplexClient(target) as client:
            yield server, world, client


async def test_abandoned_command_is_killed_and_connection_closed() -> None:
    async with slow_plane() as (server, world, client):
        sandbox = world.sandbox(world.repo("acme/small"))
        async with client.sandboxes.exec(sandbox, CommandDraft(command="echo a; sleep 60")) as run:
            async for event in run:
                if isinstance(event, Output):
                    break
            assert run.command_id is not None
            assert server.plane.sandbox_tasks.process(run.command_id) is not None
        assert run.end == StreamEnd(StreamEndKind.LEFT) and open_connections(client) == []
        await until(lambda: server.plane.sandbox_tasks.task_count == 0)
        assert world.row("sandboxes", sandbox)["exec_lock_token"] is None


async def test_command_is_interrupted_while_second_one_is_refused() -> None:
    async with slow_plane() as (_, world, client):
        sandbox = world.sandbox(world.repo("acme/small"))
        async with client.sandboxes.exec(sandbox, CommandDraft(command="sleep 60")) as run:
            assert isinstance(await anext(run), CommandStarted)
            assert run.command_id is not None
            with pytest.raises(e.Throttled, match="Another sandbox command") as caught:
                await client.sandboxes.run_command(sandbox, CommandDraft(command="ls"))
            assert caught.value.code == "sandbox_exec_concurrency_limited"
            await client.sandboxes.cancel_command(sandbox, run.command_id)
            async for _ in run:
                pass
        assert (run.exit_code, run.end) == (130, StreamEnd(StreamEndKind.DONE))


async def test_abandoned_boot_continues() -> None:
    async with slow_plane(200.0) as (server, world, client):
        async with client.sandboxes.launch(LaunchDraft(repo_id=world.repo("acme/small"))) as boot:
            await anext(boot)
        assert boot.end == StreamEnd(StreamEndKind.LEFT) and boot.record_id is not None
        assert open_connections(client) == []
        await until(lambda: server.plane.sandbox_tasks.task_count == 0)
        assert (await client.sandboxes.get(boot.record_id)).status == "running"


# Coding CLIs


async def test_harness_stream_ends_with_pull_request(minimal_plane: MinimalPlane) -> None:
    sandbox = running_sandbox(minimal_plane, working_branch="feat/tax")
    draft = HarnessDraft(harness="codex", prompt="quick: fix the tax test", mode="yolo")
    prepared = await minimal_plane.client.sandboxes.prepare_harness(sandbox, draft)
    run = minimal_plane.client.sandboxes.harness(sandbox, draft.model_copy(update={"ai_call_id": prepared}))
    events = await read_events(run)
    assert isinstance(events[0], HarnessStarted) and run.ai_call_id == prepared
    assert run.session_id and run.end == StreamEnd(StreamEndKind.DONE)
    assert (run.pull_request_url or "").startswith("https://github.com/acme/small/pull/")
    with pytest.raises(e.Conflict, match="ai_call is not"):
        await read_events(
            minimal_plane.client.sandboxes.harness(sandbox, draft.model_copy(update={"ai_call_id": prepared}))
        )
    failing = minimal_plane.client.sandboxes.harness(sandbox, HarnessDraft(harness="codex", prompt="denied"))
    last = (await read_events(failing))[-1]
    assert last.failure_code == "model_access_denied"
    assert failing.end is not None and failing.end.kind is StreamEndKind.FAILED and failing.end.message


async def test_a_harness_without_models_or_machine_is_a_conflict(minimal_plane: MinimalPlane) -> None:
    draft = HarnessDraft(harness="claude-code", prompt="x")
    gone = running_sandbox(minimal_plane, provider_view="halted")
    with pytest.raises(e.Conflict, match="Sandbox has stopped"):
        await read_events(minimal_plane.client.sandboxes.harness(gone, draft))
    with minimal_plane.world.plane.db.transaction() as tx:
        tx.update("profiles", minimal_plane.world.user, allow_platform_ai=0)
    with pytest.raises(e.Conflict, match="AI provider key"):
        await read_events(
            minimal_plane.client.sandboxes.harness(
                running_sandbox(minimal_plane, working_branch="b", sandbox_id="vm-2"), draft
            )
        )


async def test_abandoned_harness_is_cancelled() -> None:
    async with slow_plane() as (server, world, client):
        sandbox = world.sandbox(world.repo("acme/small"))
        draft = HarnessDraft(harness="codex", prompt="hang")
        async with client.sandboxes.harness(sandbox, draft) as run:
            await anext(run)
        assert run.ai_call_id is not None and open_connections(client) == []
        await until(lambda: server.plane.sandbox_tasks.task_count == 0)
        assert world.row("ai_calls", run.ai_call_id)["status"] == "cancelled"
