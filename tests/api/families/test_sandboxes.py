"""Sandboxes over real HTTP (sandboxes.md, v1.md §4)."""

from __future__ import annotations

from typing import Any

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.models.base import parse_rows
from mogplex_tui.api.models.sandbox_requests import (
    CommandDraft,
    EntryKind,
    HarnessDraft,
    LaunchDraft,
    PresenceEvent,
    PresenceReport,
)
from mogplex_tui.api.models.sandboxes import Sandbox, SandboxStatus
from mogplex_tui.api.models.unversioned_sandboxes import SandboxRecord, TerminalOffer
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from tests.api.families.minimal_plane import (
    NOBODY,
    Call,
    MinimalPlane,
    assert_not_sent,
    read_events,
    running_sandbox,
)
from tests.api.support import http, ok, serving
from tests.controlplane.sandboxes.sandbox_streams import tick

# Looking


async def test_active_sandboxes_have_fewer_fields_than_records(minimal_plane: MinimalPlane) -> None:
    repo = minimal_plane.world.repo("acme/shop", root_directory="apps/web")
    old = minimal_plane.world.sandbox(repo, status="stopped", stop_reason="manual", working_branch="old")
    minimal_plane.clock.advance(60)
    new = minimal_plane.world.sandbox(repo, working_branch="new", preview_url="https://x1.example.dev")
    records = await minimal_plane.client.sandboxes.records()
    assert [(row.id, row.status) for row in records] == [(new, "running"), (old, "stopped")]
    assert not records.bad and records[1].stop_reason == "manual"
    assert records[0].runtime_summary.effective_timeout_ms == 18_000_000
    assert records[0].created_at is not None and records[0].created_at.tzinfo
    assert records[0].billing_summary.team_label == "Personal" and records[0].error is None
    [living] = await minimal_plane.client.sandboxes.active()
    assert (living.id, living.repo, living.branch, living.url) == (
        new, "acme/shop", "new", "https://x1.example.dev",
    )  # fmt: skip


async def test_sandbox_detail_updates_status_and_health(minimal_plane: MinimalPlane) -> None:
    sandbox = running_sandbox(minimal_plane)
    assert (await minimal_plane.client.sandboxes.get(sandbox)).status == SandboxStatus.RUNNING
    tick(minimal_plane.world, sandbox, provider_view="halted")
    gone = await minimal_plane.client.sandboxes.get(sandbox)
    assert (gone.status, gone.stop_reason) == ("stopped", "vm_gone")
    found = await minimal_plane.client.sandboxes.health(sandbox)
    assert found.status == found.sandbox.health == "not_available"
    done = await minimal_plane.client.sandboxes.reconcile(sandbox)
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
        lambda c: read_events(c.sandboxes.resume(NOBODY)),
        lambda c: read_events(c.sandboxes.restart(NOBODY)),
        lambda c: read_events(c.sandboxes.exec(NOBODY, CommandDraft(command="ls"))),
        lambda c: read_events(c.sandboxes.harness(NOBODY, HarnessDraft(harness="codex", prompt="x"))),
        lambda c: read_events(c.sandboxes.launch(LaunchDraft(repo_id=NOBODY))),
    ],
)
async def test_missing_or_foreign_sandbox_is_not_found(minimal_plane: MinimalPlane, call: Call) -> None:
    with pytest.raises(e.NotFound):
        await call(minimal_plane.client)


# Ending and extending


async def test_pause_extend_stop_and_delete(minimal_plane: MinimalPlane) -> None:
    sandbox = running_sandbox(minimal_plane)
    assert await minimal_plane.client.sandboxes.extend(sandbox, 30) == 1_800_000
    assert await minimal_plane.client.sandboxes.extend(sandbox, 1.5) == 90_000
    assert (await minimal_plane.client.sandboxes.pause(sandbox)).status == "paused"
    with pytest.raises(e.BadRequest, match="not running"):
        await minimal_plane.client.sandboxes.pause(sandbox)
    with pytest.raises(e.BadRequest, match="not running"):
        await minimal_plane.client.sandboxes.extend(sandbox, 5)
    stopped = await minimal_plane.client.sandboxes.stop(sandbox)
    assert (stopped.status, stopped.stop_reason) == ("stopped", "manual")
    gone = await minimal_plane.client.sandboxes.delete(sandbox)
    assert gone.is_removed and gone.sandbox_id == sandbox
    assert await minimal_plane.client.sandboxes.records() == []


async def test_silent_machine_cannot_be_stopped_or_deleted(
    minimal_plane: MinimalPlane,
) -> None:
    sandbox = running_sandbox(minimal_plane, provider_view="silent")
    stopped = await minimal_plane.client.sandboxes.stop(sandbox)
    assert stopped.status == "running" and "could not be confirmed" in (stopped.error or "")
    kept = await minimal_plane.client.sandboxes.delete(sandbox)
    assert not kept.is_removed and "could not be verified" in (kept.warning or "")
    closing = minimal_plane.world.sandbox(
        minimal_plane.world.repo("acme/b"), provider_view="closing", sandbox_id="vm-2"
    )
    assert "Billing closure" in ((await minimal_plane.client.sandboxes.delete(closing)).warning or "")
    assert {row.id for row in await minimal_plane.client.sandboxes.records()} == {sandbox, closing}


async def test_presence_terminal_and_their_answers(minimal_plane: MinimalPlane) -> None:
    sandbox = running_sandbox(minimal_plane)
    come = PresenceReport(event=PresenceEvent.ATTACH, tab_id=" t1 ", session_id="s1", event_seq=1)
    go = PresenceReport(event="release", tab_id="t1", session_id="s1", event_seq=2, reason="x" * 90)
    assert (await minimal_plane.client.sandboxes.presence(sandbox, come)).attached
    gone = await minimal_plane.client.sandboxes.presence(sandbox, go)
    assert (gone.released, gone.queued, gone.grace_period_ms) == (True, True, 90_000)
    assert not (await minimal_plane.client.sandboxes.presence(sandbox, go)).released
    offer = await minimal_plane.client.sandboxes.terminal(sandbox)
    assert (offer.available, offer.reason, offer.token) == (False, "pty_disabled", None)


# Files


async def test_files_are_written_read_listed_moved_and_removed(minimal_plane: MinimalPlane) -> None:
    sandbox, files = running_sandbox(minimal_plane), minimal_plane.client.sandboxes
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
        (lambda c: read_events(c.sandboxes.launch(LaunchDraft(repo_id="x"))), "not a UUID"),
        (lambda c: read_events(c.sandboxes.launch(LaunchDraft(**LAUNCH, base_branch="a b"))), "letters"),
        (
            lambda c: read_events(c.sandboxes.launch(LaunchDraft(**LAUNCH, create_branch=True))),
            "needs a name",
        ),
        (lambda c: read_events(c.sandboxes.launch(LaunchDraft(**LAUNCH, root_directory="../x"))), "lead out"),
        (lambda c: read_events(c.sandboxes.resume("mogplex-vm-1")), "not the id of a sandbox"),
        (lambda c: c.sandboxes.extend(NOBODY, 0), "between 1 and 300"),
        (lambda c: c.sandboxes.extend(NOBODY, 301), "between 1 and 300"),
        (lambda c: c.sandboxes.extend(NOBODY, float("nan")), "between 1 and 300|number"),
        (lambda c: read_events(c.sandboxes.exec(NOBODY, CommandDraft(command=" "))), "command required"),
        (lambda c: read_events(c.sandboxes.exec(NOBODY, CommandDraft(command="a\ud800"))), "broken"),
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
async def test_invalid_input_is_not_sent(call: Call, says: str) -> None:
    async def attempt(client: MogplexClient) -> Any:
        return await call(client)

    await assert_not_sent(attempt, says)


def test_launch_body_distinguishes_root_from_default() -> None:
    assert LaunchDraft(repo_id=NOBODY).body() == {"repoId": NOBODY, "createBranch": False}
    assert LaunchDraft(repo_id=NOBODY, root_directory="/").body()["rootDirectory"] is None
    assert LaunchDraft(repo_id=NOBODY, root_directory="apps//web/").body()["rootDirectory"] == "apps/web"


def test_harness_body_uses_service_field_names() -> None:
    draft = HarnessDraft(harness="codex", prompt=" x ", continue_last=True, ai_call_id=NOBODY.upper())
    assert draft.body() == {"harness": "codex", "prompt": " x ", "continue": True, "aiCallId": NOBODY}


# What arrives


def test_incomplete_record_parses_and_invalid_one_is_marked() -> None:
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


async def test_terminal_token_is_not_printed() -> None:
    offer = {"available": True, "wsUrl": "wss://x", "token": "t0k3n", "expiresAt": 1, "tmuxAvailable": True}
    async with serving(http(200, offer)) as service, service.client() as client:
        found = await client.sandboxes.terminal(NOBODY)
        await client.sandboxes.end_terminal(NOBODY)
    assert isinstance(found, TerminalOffer) and found.token is not None
    assert found.token.reveal() == "t0k3n" and "t0k3n" not in f"{found!r} {found}"


def test_a_boot_and_a_command_may_be_silent_for_long() -> None:
    # There is no heartbeat, so the limit of the other streams would cut a long install or a long test.
    client = MogplexClient(Target("x", "http://127.0.0.1:1", Secret("mog_Q2xv9TbYk0LmWc7ReHs4DpZa")))
    assert client.sandboxes.resume(NOBODY)._request.extra_wait >= 600
    assert client.sandboxes.exec(NOBODY, CommandDraft(command="x"))._request.extra_wait >= 5 * 3600
