"""Sandboxes over real HTTP (sandboxes.md, v1.md §4)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.models.base import parse_rows
from mogplex_tui.api.models.sandbox_drafts import (
    CommandDraft,
    EntryKind,
    HarnessDraft,
    LaunchDraft,
    PresenceEvent,
    PresenceReport,
)
from mogplex_tui.api.models.sandbox_events import BootLog, CommandBegan, HarnessBegan, Ready
from mogplex_tui.api.models.sandbox_records import SandboxRecord, TerminalOffer
from mogplex_tui.api.models.sandboxes import Sandbox, SandboxStatus
from mogplex_tui.api.models.stream import End, EndKind, Output
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.controlplane.server import PlaneServer
from tests.api.families.lab import NOBODY, Call, Lab, laboratory, never_leaves
from tests.api.support import http, ok, serving, until
from tests.api.test_follow import open_connections
from tests.controlplane.sandboxes.support import running, tick
from tests.controlplane.support import World


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    async with laboratory() as running_lab:
        yield running_lab


def box(lab: Lab, **columns: Any) -> str:
    """A running sandbox of a repository of its own."""
    return lab.world.sandbox(lab.world.repo("acme/small"), **columns)


async def told(stream: Any) -> list[Any]:
    async with stream:
        return [event async for event in stream]


# Looking


async def test_records_and_the_living_differ_in_what_they_show(lab: Lab) -> None:
    repo = lab.world.repo("acme/shop", root_directory="apps/web")
    old = lab.world.sandbox(repo, status="stopped", stop_reason="manual", working_branch="old")
    lab.clock.advance(60)
    new = lab.world.sandbox(repo, working_branch="new", preview_url="https://x1.example.dev")
    records = await lab.client.sandboxes.records()
    assert [(row.id, row.status) for row in records] == [(new, "running"), (old, "stopped")]
    assert not records.bad and records[1].stop_reason == "manual"
    assert records[0].runtime_summary.effective_timeout_ms == 18_000_000
    assert records[0].created_at is not None and records[0].created_at.tzinfo
    assert records[0].billing_summary.team_label == "Personal" and records[0].error is None
    [living] = await lab.client.sandboxes.living()
    assert (living.id, living.repo, living.branch, living.url) == (
        new, "acme/shop", "new", "https://x1.example.dev",
    )  # fmt: skip


async def test_looking_at_one_corrects_its_status_and_tells_its_health(lab: Lab) -> None:
    sandbox = box(lab)
    assert (await lab.client.sandboxes.get(sandbox)).status == SandboxStatus.RUNNING
    tick(lab.world, sandbox, provider_view="halted")
    gone = await lab.client.sandboxes.get(sandbox)
    assert (gone.status, gone.stop_reason) == ("stopped", "vm_gone")
    found = await lab.client.sandboxes.health(sandbox)
    assert found.status == found.sandbox.health == "not_available"
    done = await lab.client.sandboxes.reconcile(sandbox)
    assert not done.queued and done.reason == "trigger_not_configured"
    assert done.sandbox is not None and done.sandbox.id == sandbox


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.sandboxes.get(NOBODY),
        lambda c: c.sandboxes.health(NOBODY),
        lambda c: c.sandboxes.reconcile(NOBODY),
        lambda c: c.sandboxes.pause(NOBODY),
        lambda c: c.sandboxes.stop(NOBODY),
        lambda c: c.sandboxes.delete(NOBODY),
        lambda c: c.sandboxes.extend(NOBODY, 5),
        lambda c: c.sandboxes.tree(NOBODY),
        lambda c: c.sandboxes.presence(NOBODY, PresenceReport(event="attach", tab_id="t", session_id="s")),
        lambda c: c.sandboxes.logs(NOBODY),
        lambda c: told(c.sandboxes.resume(NOBODY)),
        lambda c: told(c.sandboxes.restart(NOBODY)),
        lambda c: told(c.sandboxes.exec(NOBODY, CommandDraft(command="ls"))),
        lambda c: told(c.sandboxes.harness(NOBODY, HarnessDraft(harness="codex", prompt="x"))),
        lambda c: told(c.sandboxes.launch(LaunchDraft(repo_id=NOBODY))),
    ],
)
async def test_what_is_not_there_or_not_mine_is_not_found(lab: Lab, call: Call) -> None:
    with pytest.raises(e.NotFound):
        await call(lab.client)


# Ending and extending


async def test_pause_extend_stop_and_delete(lab: Lab) -> None:
    sandbox = box(lab)
    assert await lab.client.sandboxes.extend(sandbox, 30) == 1_800_000
    assert await lab.client.sandboxes.extend(sandbox, 1.5) == 90_000
    assert (await lab.client.sandboxes.pause(sandbox)).status == "paused"
    with pytest.raises(e.BadRequest, match="not running"):
        await lab.client.sandboxes.pause(sandbox)
    with pytest.raises(e.BadRequest, match="not running"):
        await lab.client.sandboxes.extend(sandbox, 5)
    stopped = await lab.client.sandboxes.stop(sandbox)
    assert (stopped.status, stopped.stop_reason) == ("stopped", "manual")
    gone = await lab.client.sandboxes.delete(sandbox)
    assert gone.gone and gone.sandbox_id == sandbox
    assert await lab.client.sandboxes.records() == []


async def test_a_machine_that_does_not_answer_is_neither_stopped_nor_deleted(lab: Lab) -> None:
    sandbox = box(lab, provider_view="silent")
    stopped = await lab.client.sandboxes.stop(sandbox)
    assert stopped.status == "running" and "could not be confirmed" in (stopped.error or "")
    kept = await lab.client.sandboxes.delete(sandbox)
    assert not kept.gone and "could not be verified" in (kept.warning or "")
    closing = lab.world.sandbox(lab.world.repo("acme/b"), provider_view="closing", sandbox_id="vm-2")
    assert "Billing closure" in ((await lab.client.sandboxes.delete(closing)).warning or "")
    assert {row.id for row in await lab.client.sandboxes.records()} == {sandbox, closing}


async def test_presence_terminal_and_their_answers(lab: Lab) -> None:
    sandbox = box(lab)
    come = PresenceReport(event=PresenceEvent.ATTACH, tab_id=" t1 ", session_id="s1", event_seq=1)
    go = PresenceReport(event="release", tab_id="t1", session_id="s1", event_seq=2, reason="x" * 90)
    assert (await lab.client.sandboxes.presence(sandbox, come)).attached
    gone = await lab.client.sandboxes.presence(sandbox, go)
    assert (gone.released, gone.queued, gone.grace_period_ms) == (True, True, 90_000)
    assert not (await lab.client.sandboxes.presence(sandbox, go)).released
    offer = await lab.client.sandboxes.terminal(sandbox)
    assert (offer.available, offer.reason, offer.token) == (False, "pty_disabled", None)


# Booting


async def test_a_launch_is_followed_to_its_end_and_found_the_second_time(lab: Lab) -> None:
    draft = LaunchDraft(repo_id=lab.world.repo("acme/small"), working_branch="fix/tax", create_branch=True)
    boot = lab.client.sandboxes.launch(draft)
    events = await told(boot)
    assert events[0].type == "status" and any(isinstance(event, Ready) for event in events)
    assert any(isinstance(event, BootLog) and event.phase == "install" for event in events)
    assert boot.end == End(EndKind.DONE) and boot.as_stream
    assert boot.sandbox is not None and boot.sandbox.status == "running"
    again = lab.client.sandboxes.launch(draft)
    assert [event.type for event in await told(again)] == ["found"]
    assert not again.as_stream and again.record_id == boot.record_id
    with pytest.raises(e.BadRequest, match="New branch name must differ"):
        await told(
            lab.client.sandboxes.launch(
                LaunchDraft(
                    repo_id=draft.repo_id, base_branch="dev", working_branch="main", create_branch=True
                )
            )
        )


async def test_a_boot_that_fails_says_why(lab: Lab) -> None:
    with lab.world.plane.db.transaction() as tx:
        tx.update("profiles", lab.world.user, github_oauth=1)
    repo = lab.world.repo("acme/closed", github_installation_id=None)
    boot = lab.client.sandboxes.launch(LaunchDraft(repo_id=repo))
    await told(boot)
    assert boot.end is not None and boot.end.kind is EndKind.FAILED
    assert "repository not found" in boot.end.message
    with pytest.raises(e.Unavailable, match="repository not found"):
        await lab.client.sandboxes.launch_and_wait(LaunchDraft(repo_id=repo))


async def test_the_token_api_launches_and_answers_when_the_boot_is_over(lab: Lab) -> None:
    launched = await lab.client.sandboxes.launch_and_wait(LaunchDraft(repo_id=lab.world.repo("acme/small")))
    assert launched.status == "running" and launched.preview_url
    assert launched.id in {row.id for row in await lab.client.sandboxes.list()}
    assert (await lab.client.sandboxes.logs(launched.id)).sandbox.install_log
    with pytest.raises(e.NotFound, match="Repo not found"):
        await lab.client.sandboxes.launch_and_wait(LaunchDraft(repo_id=NOBODY))


async def test_the_quota_of_boots_is_told_with_its_limit(lab: Lab) -> None:
    repo = lab.world.repo("acme/small")
    for name in ("a", "b", "c"):
        lab.world.sandbox(repo, working_branch=name, sandbox_id=f"vm-{name}")
    with pytest.raises(e.Throttled, match="Too many active sandboxes") as caught:
        await told(lab.client.sandboxes.launch(LaunchDraft(repo_id=repo)))
    error = caught.value
    assert (error.code, error.retry_after) == ("sandbox_boot_rate_limited", 15)
    assert error.extra["limit"]["name"] == "active_sandboxes" and not error.of_requests


async def test_resume_and_restart_keep_their_record_or_say_the_new_one(lab: Lab) -> None:
    sandbox = box(lab, status="paused", persistent=1)
    boot = lab.client.sandboxes.resume(sandbox)
    await told(boot)
    assert boot.end == End(EndKind.DONE) and boot.record_id == sandbox
    with pytest.raises(e.BadRequest, match="not paused"):
        await told(lab.client.sandboxes.resume(sandbox))
    again = lab.client.sandboxes.restart(sandbox)
    await told(again)
    assert again.end == End(EndKind.DONE) and again.record_id == sandbox
    fleeting = lab.world.sandbox(lab.world.repo("acme/b"), persistent=0, sandbox_id="vm-2")
    other = lab.client.sandboxes.restart(fleeting)
    await told(other)
    assert other.end == End(EndKind.DONE) and other.record_id not in (None, fleeting)
    with pytest.raises(e.Conflict, match="pausing"):
        await told(lab.client.sandboxes.resume(box(lab, status="pausing", sandbox_id="vm-3")))


# Commands


async def test_a_command_is_followed_or_waited_for(lab: Lab) -> None:
    sandbox = box(lab)
    run = lab.client.sandboxes.exec(sandbox, CommandDraft(command="echo hi; exit 3"))
    events = await told(run)
    assert "".join(event.data for event in events if isinstance(event, Output)) == "hi\n"
    assert (run.exit_code, run.end) == (3, End(EndKind.DONE)) and run.command_id
    cd = lab.client.sandboxes.exec(sandbox, CommandDraft(command="cd src"))
    await told(cd)
    assert (cd.as_stream, cd.cwd, cd.exit_code) == (False, "src", 0)
    whole = await lab.client.sandboxes.run_command(
        sandbox, CommandDraft(command="echo", args=["a", "&&"], cwd="src")
    )
    assert (whole.exit_code, whole.stdout, whole.cwd) == (0, "a &&\n", "src")
    with pytest.raises(e.ServiceFailed, match="not running"):
        await lab.client.sandboxes.cancel_command(sandbox, "cmd_0")
    pending = box(lab, sandbox_id="pending", status="creating", working_branch="p")
    with pytest.raises(e.Conflict, match="not ready"):
        await told(lab.client.sandboxes.exec(pending, CommandDraft(command="ls")))


@asynccontextmanager
async def slow_plane(speed: float = 1.0) -> AsyncIterator[tuple[PlaneServer, World, MogplexClient]]:
    """A plane whose machines take their time, with a client of its account."""
    async with running(speed) as (server, world, _):
        target = Target("slow", server.base_url, Secret(server.token))
        async with MogplexClient(target) as client:
            yield server, world, client


async def test_a_command_that_is_left_is_killed_and_no_connection_stays() -> None:
    async with slow_plane() as (server, world, client):
        sandbox = world.sandbox(world.repo("acme/small"))
        async with client.sandboxes.exec(sandbox, CommandDraft(command="echo a; sleep 60")) as run:
            async for event in run:
                if isinstance(event, Output):
                    break
            assert run.command_id is not None
            assert server.plane.machines.process(run.command_id) is not None
        assert run.end == End(EndKind.LEFT) and open_connections(client) == []
        await until(lambda: server.plane.machines.at_work == 0)
        assert world.row("sandboxes", sandbox)["exec_lock_token"] is None


async def test_a_command_is_interrupted_while_it_is_followed_and_another_has_to_wait() -> None:
    async with slow_plane() as (_, world, client):
        sandbox = world.sandbox(world.repo("acme/small"))
        async with client.sandboxes.exec(sandbox, CommandDraft(command="sleep 60")) as run:
            assert isinstance(await anext(run), CommandBegan)
            assert run.command_id is not None
            with pytest.raises(e.Throttled, match="Another sandbox command") as caught:
                await client.sandboxes.run_command(sandbox, CommandDraft(command="ls"))
            assert caught.value.code == "sandbox_exec_concurrency_limited"
            await client.sandboxes.cancel_command(sandbox, run.command_id)
            async for _ in run:
                pass
        assert (run.exit_code, run.end) == (130, End(EndKind.DONE))


async def test_a_boot_goes_on_when_it_is_left() -> None:
    async with slow_plane(200.0) as (server, world, client):
        async with client.sandboxes.launch(LaunchDraft(repo_id=world.repo("acme/small"))) as boot:
            await anext(boot)
        assert boot.end == End(EndKind.LEFT) and boot.record_id is not None
        assert open_connections(client) == []
        await until(lambda: server.plane.machines.at_work == 0)
        assert (await client.sandboxes.get(boot.record_id)).status == "running"


# Coding CLIs


async def test_a_harness_is_followed_to_its_pull_request(lab: Lab) -> None:
    sandbox = box(lab, working_branch="feat/tax")
    draft = HarnessDraft(harness="codex", prompt="quick: fix the tax test", mode="yolo")
    prepared = await lab.client.sandboxes.prepare_harness(sandbox, draft)
    run = lab.client.sandboxes.harness(sandbox, draft.model_copy(update={"ai_call_id": prepared}))
    events = await told(run)
    assert isinstance(events[0], HarnessBegan) and run.ai_call_id == prepared
    assert run.session_id and run.end == End(EndKind.DONE)
    assert (run.pull_request_url or "").startswith("https://github.com/acme/small/pull/")
    with pytest.raises(e.Conflict, match="ai_call is not"):
        await told(lab.client.sandboxes.harness(sandbox, draft.model_copy(update={"ai_call_id": prepared})))
    failing = lab.client.sandboxes.harness(sandbox, HarnessDraft(harness="codex", prompt="denied"))
    last = (await told(failing))[-1]
    assert last.failure_code == "model_access_denied"
    assert failing.end is not None and failing.end.kind is EndKind.FAILED and failing.end.message


async def test_a_harness_without_models_or_machine_is_a_conflict(lab: Lab) -> None:
    draft = HarnessDraft(harness="claude-code", prompt="x")
    gone = box(lab, provider_view="halted")
    with pytest.raises(e.Conflict, match="Sandbox has stopped"):
        await told(lab.client.sandboxes.harness(gone, draft))
    with lab.world.plane.db.transaction() as tx:
        tx.update("profiles", lab.world.user, allow_platform_ai=0)
    with pytest.raises(e.Conflict, match="AI provider key"):
        await told(lab.client.sandboxes.harness(box(lab, working_branch="b", sandbox_id="vm-2"), draft))


async def test_a_harness_that_is_left_is_cancelled() -> None:
    async with slow_plane() as (server, world, client):
        sandbox = world.sandbox(world.repo("acme/small"))
        draft = HarnessDraft(harness="codex", prompt="hang")
        async with client.sandboxes.harness(sandbox, draft) as run:
            await anext(run)
        assert run.ai_call_id is not None and open_connections(client) == []
        await until(lambda: server.plane.machines.at_work == 0)
        assert world.row("ai_calls", run.ai_call_id)["status"] == "cancelled"


# Files


async def test_files_are_written_read_listed_moved_and_removed(lab: Lab) -> None:
    sandbox, files = box(lab), lab.client.sandboxes
    await files.write_file(sandbox, "notes/a b.txt", "één\n")
    assert (await files.read_file(sandbox, "notes/a b.txt")).content == "één\n"
    listing = await files.list_files(sandbox)
    assert listing.entries[0].is_dir and "notes" in {entry.name for entry in listing.entries}
    assert [entry.size for entry in (await files.list_files(sandbox, "notes")).entries] == [6]
    assert "notes/a b.txt" in await files.tree(sandbox)
    assert await files.create_entry(sandbox, "lib/", EntryKind.DIRECTORY) == "lib/"
    assert await files.create_entry(sandbox, "new.ts") == "new.ts"
    with pytest.raises(e.Conflict, match="Destination already exists"):
        await files.create_entry(sandbox, "new.ts")
    moved = await files.move_entries(sandbox, [("new.ts", "lib/new.ts"), ("notes/", "lib/notes/")])
    assert [(move.from_path, move.to_path) for move in moved] == [
        ("new.ts", "lib/new.ts"), ("notes/", "lib/notes/"),
    ]  # fmt: skip
    assert await files.delete_entry(sandbox, "lib/") == "lib/"
    with pytest.raises(e.NotFound, match="Path not found"):
        await files.delete_entry(sandbox, "lib/")
    with pytest.raises(e.NotFound, match="File not found"):
        await files.read_file(sandbox, "lib/new.ts")


# What never leaves


LAUNCH: dict[str, Any] = {"repo_id": NOBODY}
PRESENCE: dict[str, Any] = {"event": "attach", "tab_id": "t", "session_id": "s"}


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda c: told(c.sandboxes.launch(LaunchDraft(repo_id="x"))), "not a UUID"),
        (lambda c: told(c.sandboxes.launch(LaunchDraft(**LAUNCH, base_branch="a b"))), "letters"),
        (lambda c: told(c.sandboxes.launch(LaunchDraft(**LAUNCH, create_branch=True))), "needs a name"),
        (lambda c: told(c.sandboxes.launch(LaunchDraft(**LAUNCH, root_directory="../x"))), "lead out"),
        (lambda c: told(c.sandboxes.resume("mogplex-vm-1")), "not the id of a sandbox"),
        (lambda c: c.sandboxes.extend(NOBODY, 0), "between 1 and 300"),
        (lambda c: c.sandboxes.extend(NOBODY, 301), "between 1 and 300"),
        (lambda c: c.sandboxes.extend(NOBODY, float("nan")), "between 1 and 300|number"),
        (lambda c: told(c.sandboxes.exec(NOBODY, CommandDraft(command=" "))), "command required"),
        (lambda c: told(c.sandboxes.exec(NOBODY, CommandDraft(command="a\ud800"))), "broken"),
        (lambda c: c.sandboxes.cancel_command(NOBODY, ""), "cmdId required"),
        (lambda c: c.sandboxes.harness(NOBODY, HarnessDraft(harness="vi", prompt="x")), "Invalid harness"),
        (
            lambda c: c.sandboxes.harness(NOBODY, HarnessDraft(harness="codex", prompt=" ")),
            "Prompt is required",
        ),
        (lambda c: c.sandboxes.read_file(NOBODY, ""), "path required"),
        (lambda c: c.sandboxes.write_file(NOBODY, "a/../../b", "x"), "within the repo root"),
        (lambda c: c.sandboxes.create_entry(NOBODY, "a", "link"), "'file' or 'directory'"),
        (lambda c: c.sandboxes.move_entries(NOBODY, []), "moves required"),
        (lambda c: c.sandboxes.move_entries(NOBODY, [("a", "b/")]), "move kind mismatch"),
        (lambda c: c.sandboxes.move_entries(NOBODY, [("a/", "a/b/")]), "into itself"),
        (lambda c: c.sandboxes.delete_entry(NOBODY, " "), "path required"),
        (
            lambda c: c.sandboxes.presence(NOBODY, PresenceReport(**PRESENCE | {"event": "x"})),
            "attach or rel",
        ),
        (lambda c: c.sandboxes.presence(NOBODY, PresenceReport(**PRESENCE | {"tab_id": " "})), "tabId must"),
        (
            lambda c: c.sandboxes.presence(NOBODY, PresenceReport(**PRESENCE | {"session_id": "x" * 129})),
            "1 and 128",
        ),
        (lambda c: c.sandboxes.presence(NOBODY, PresenceReport(**PRESENCE, event_seq=-1)), "non-negative"),
    ],
)
async def test_nonsense_never_leaves(call: Call, says: str) -> None:
    async def attempt(client: MogplexClient) -> Any:
        return await call(client)

    await never_leaves(attempt, says)


def test_the_body_of_a_launch_says_root_and_default_apart() -> None:
    assert LaunchDraft(repo_id=NOBODY).body() == {"repoId": NOBODY, "createBranch": False}
    assert LaunchDraft(repo_id=NOBODY, root_directory="/").body()["rootDirectory"] is None
    assert LaunchDraft(repo_id=NOBODY, root_directory="apps//web/").body()["rootDirectory"] == "apps/web"


def test_the_body_of_a_harness_uses_the_service_s_words() -> None:
    draft = HarnessDraft(harness="codex", prompt=" x ", continue_last=True, ai_call_id=NOBODY.upper())
    assert draft.body() == {"harness": "codex", "prompt": " x ", "continue": True, "aiCallId": NOBODY}


# What arrives


def test_a_record_with_holes_is_a_record_and_a_broken_one_a_marked_row() -> None:
    rows = parse_rows(
        SandboxRecord,
        [
            {"id": "a"},
            {"id": "b", "runtime_summary": None, "error_summary": 5, "install_log": None, "user_id": None},
            {"id": "c", "runtime_summary": {"status": "dreaming", "boot_attempts": None}, "new": 1},
            {"id": None},
            {"id": "d", "runtime_summary": {"boot_attempts": []}},
        ],
    )
    assert [(row.id, row.status, row.health) for row in rows] == [
        ("a", "stopped", "unknown"), ("b", "stopped", "unknown"), ("c", "dreaming", "unknown"),
    ]  # fmt: skip
    assert len(rows.bad) == 2
    assert not rows[0].has_root
    assert parse_rows(SandboxRecord, [{"id": "a", "root_directory": None}])[0].has_root


async def test_a_launch_answer_with_missing_fields_is_still_a_sandbox() -> None:
    bare = {"id": "x", "status": "unknown", "created_at": "", "last_active_at": "", "sandbox_id": ""}
    async with serving(ok({"sandbox": bare})) as service, service.client() as client:
        found = await client.sandboxes.launch_and_wait(LaunchDraft(repo_id=NOBODY))
    assert isinstance(found, Sandbox) and (found.status, found.created_at) == ("unknown", None)


async def test_the_token_of_a_terminal_never_shows() -> None:
    offer = {"available": True, "wsUrl": "wss://x", "token": "t0k3n", "expiresAt": 1, "tmuxAvailable": True}
    async with serving(http(200, offer)) as service, service.client() as client:
        found = await client.sandboxes.terminal(NOBODY)
        await client.sandboxes.end_terminal(NOBODY)
    assert isinstance(found, TerminalOffer) and found.token is not None
    assert found.token.reveal() == "t0k3n" and "t0k3n" not in f"{found!r} {found}"


def test_a_boot_and_a_command_may_be_silent_for_long() -> None:
    # There is no heartbeat, so the limit of the other streams would cut a long install or a long test.
    client = MogplexClient(Target("x", "http://127.0.0.1:1", Secret("mog_Q2xv9TbYk0LmWc7ReHs4DpZa")))
    assert client.sandboxes.resume(NOBODY)._request.patience >= 600
    assert client.sandboxes.exec(NOBODY, CommandDraft(command="x"))._request.patience >= 5 * 3600
