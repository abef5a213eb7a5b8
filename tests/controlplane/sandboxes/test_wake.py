"""Resume and restart of sandboxes, and their table of states."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.db.clock import MINUTE_US
from mogplex_tui.controlplane.sandboxes.states import STATUSES, Change, apply_change
from tests.controlplane.api_paths import V1
from tests.controlplane.manual_clock import NOON
from tests.controlplane.row_factory import RowFactory
from tests.controlplane.sandboxes.sandbox_streams import BOX, events, kinds, next_event, running, tick


async def test_resume_keeps_record(client: httpx.AsyncClient, factory: RowFactory) -> None:
    box = factory.sandbox(
        factory.repo(),
        status="paused",
        stop_reason="auto_pause",
        install_log="old",
        dev_log="old",
        boot_attempts=1,
    )
    found = events(await client.post(f"{BOX}/{box}/resume"))
    assert kinds(found) == ["sandbox_created", "log", "preview_url", "status", "ready"]
    first = found[0]
    assert first["recordId"] == first["sandbox"]["id"] == box
    shown = first["sandbox"]
    assert (shown["install_log"], shown["dev_log"]) == (None, None)
    assert shown["runtime_summary"]["status"] == "installing"
    assert shown["runtime_summary"]["health_status"] == "starting"
    row = factory.row("sandboxes", box)
    assert (row["status"], row["stop_reason"], row["boot_attempts"]) == ("running", None, 2)
    logs = (await client.get(f"{V1}/sandboxes/{box}/logs")).json()["data"]
    assert [event["event_type"] for event in logs["lifecycle_events"]] == ["resume_after_auto_pause"]


@pytest.mark.parametrize(
    ("columns", "code", "text"),
    [
        (
            {"status": "pausing"},
            409,
            "Sandbox is pausing. Wait for pause to finish, or stop the sandbox to recover.",
        ),
        ({"status": "running"}, 400, "Sandbox is not paused"),
        ({"status": "stopped"}, 400, "Sandbox is not paused"),
        (
            {"persistent": 0},
            400,
            "Sandbox is not persistent — use the legacy snapshot-restore launch path instead.",
        ),
        ({"sandbox_id": "pending"}, 409, "Sandbox is not ready to resume"),
        ({"repo_id": None}, 404, "Sandbox repo not found"),
        ({"provider_view": "silent"}, 502, "Sandbox VM mogplex-vm-1 could not be woken"),
    ],
)
async def test_a_resume_is_refused(
    client: httpx.AsyncClient, factory: RowFactory, columns: dict[str, Any], code: int, text: str
) -> None:
    box = factory.sandbox(factory.repo(), status="paused")
    tick(factory, box, **columns)
    answer = await client.post(f"{BOX}/{box}/resume")
    assert (answer.status_code, answer.json()) == (code, {"error": text})


@pytest.mark.parametrize("way", ["resume", "restart"])
async def test_waking_costs_a_boot_and_needs_funds(
    client: httpx.AsyncClient, factory: RowFactory, way: str
) -> None:
    repo = factory.repo()
    box = factory.sandbox(repo, status="paused", working_branch="asleep")
    with factory.plane.db.transaction() as tx:
        tx.update("profiles", factory.user, allow_platform_sandbox=0)
    answer = await client.post(f"{BOX}/{box}/{way}")
    text = "Hosted sandbox compute requires a positive billing balance"
    assert (answer.status_code, answer.json()) == (402, {"error": text})
    with factory.plane.db.transaction() as tx:
        tx.update("profiles", factory.user, allow_platform_sandbox=1)
    for branch in ("a", "b", "c"):
        factory.sandbox(repo, working_branch=branch)
    answer = await client.post(f"{BOX}/{box}/{way}")
    assert (answer.status_code, answer.json()["error"]) == (429, "Too many active sandboxes")


@pytest.mark.parametrize(
    ("way", "state"), [("resume", "paused"), ("restart", "stopped"), ("restart", "pausing")]
)
async def test_lost_resume_race_is_409_stream(
    client: httpx.AsyncClient, factory: RowFactory, way: str, state: str
) -> None:
    repo = factory.repo()
    box = factory.sandbox(repo, status=state)
    if state != "pausing":
        factory.sandbox(repo)  # another one of the same tree became active meanwhile
    answer = await client.post(f"{BOX}/{box}/{way}")
    assert answer.status_code == 409
    text = f"Sandbox {way} was cancelled before it started."
    assert events(answer) == [{"type": "cancelled", "reason": "conflict", "message": text}]
    assert factory.row("sandboxes", box)["status"] == state


@pytest.mark.parametrize("state", ["installing", "running", "paused", "stopped", "error"])
async def test_restart_boots_same_record(client: httpx.AsyncClient, factory: RowFactory, state: str) -> None:
    box = factory.sandbox(factory.repo(), status=state, stop_reason="manual", error="old", boot_attempts=3)
    found = events(await client.post(f"{BOX}/{box}/restart"))
    assert kinds(found)[0] == "sandbox_created" and kinds(found)[-1] == "ready"
    row = factory.row("sandboxes", box)
    assert (row["status"], row["stop_reason"], row["error"], row["boot_attempts"]) == (
        "running",
        None,
        None,
        4,
    )
    counted = factory.plane.db.value("SELECT COUNT(*) FROM limit_events")
    assert counted == (0 if state in ("installing", "running") else 1)


async def test_non_persistent_sandbox_restarts_as_new_record(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    box = factory.sandbox(factory.repo(), persistent=0, working_branch="feat/a")
    found = events(await client.post(f"{BOX}/{box}/restart"))
    assert kinds(found)[:3] == ["status", "snapshot_restore", "sandbox_created"]
    new = found[-1]["sandbox"]
    assert new["id"] != box and new["working_branch"] == "feat/a"
    assert new["snapshot_id"] == found[1]["snapshotId"]
    row = factory.row("sandboxes", box)
    assert (row["status"], row["stop_reason"]) == ("stopped", "manual")


async def test_restart_replaces_running_boot() -> None:
    async with running(10.0) as (_, factory, client):
        async with client.stream("POST", BOX, json={"repoId": factory.repo()}) as launch:
            lines = launch.aiter_lines()
            while (event := await next_event(lines))["type"] != "sandbox_created":
                assert event["type"] == "status"
            told = events(await client.post(f"{BOX}/{event['recordId']}/restart"))
            while (last := await next_event(lines))["type"] != "error":
                assert last["type"] in ("log", "status")
        assert told[-1]["type"] == "ready"
        assert last["message"] == "Sandbox creation was cancelled before it became ready."
        assert factory.row("sandboxes", event["recordId"])["boot_attempts"] == 2


ALLOWED = {
    Change.VM_CREATED: {"creating"},
    Change.BOOTED: {"creating", "installing", "running"},
    Change.BOOT_FOUND_STOPPED: {"creating", "installing", "running"},
    Change.FAILED: {"creating", "installing", "running", "pausing"},
    Change.PAUSED: {"running"},
    Change.AUTO_PAUSING: {"running"},
    Change.AUTO_PAUSED: {"pausing"},
    Change.PAUSE_GIVEN_UP: {"pausing"},
    Change.RESUMED: {"paused"},
    Change.RESTARTED: {"creating", "installing", "running", "paused", "stopped", "error"},
    Change.STOPPED: {"creating", "installing", "running", "pausing", "paused"},
    Change.SEEN_RUNNING: {"stopped", "error", "paused"},
}


@pytest.mark.parametrize("how", list(ALLOWED))
async def test_state_transitions_follow_state_machine(factory: RowFactory, how: Change) -> None:
    repo = factory.repo()
    for state in STATUSES:
        box = factory.sandbox(repo, status=state, working_branch=state)
        with factory.plane.db.transaction() as tx:
            done = apply_change(tx, box, how, factory.clock.us)
        assert done == (state in ALLOWED[how])
        assert factory.row("sandboxes", box)["status"] == (how.target if done else state)


async def test_state_change_requires_same_machine_and_boot(factory: RowFactory) -> None:
    box = factory.sandbox(factory.repo(), boot_attempts=2)
    with factory.plane.db.transaction() as tx:
        assert not apply_change(tx, box, Change.PAUSED, NOON, vm="another")
        assert not apply_change(tx, box, Change.PAUSED, NOON, boot=1)
        assert apply_change(tx, box, Change.PAUSED, NOON + MINUTE_US, vm="mogplex-vm-1", boot=2)
        assert not apply_change(tx, "nobody", Change.PAUSED, NOON)
    assert factory.row("sandboxes", box)["stopped_at"] == NOON + MINUTE_US
