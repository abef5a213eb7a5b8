"""Reading, pausing, stopping and deleting sandboxes, and what each writes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.db.clock import SECOND_US
from mogplex_tui.controlplane.sandboxes.states import STATUSES
from tests.controlplane.manual_clock import NOON, ManualClock
from tests.controlplane.realtime_reader import RealtimeReader
from tests.controlplane.row_factory import RowFactory
from tests.controlplane.sandboxes.sandbox_streams import BOX, status


async def test_list_has_all_statuses_newest_first(client: httpx.AsyncClient, factory: RowFactory) -> None:
    repo = factory.repo()
    ids = [
        factory.sandbox(repo, status=state, working_branch=state, created_at=NOON - age)
        for age, state in enumerate(STATUSES)
    ]
    rows = (await client.get(f"{BOX}?status=running&limit=1")).json()["sandboxes"]
    assert [row["id"] for row in rows] == ids
    assert {row["runtime_summary"]["effective_timeout_ms"] for row in rows} == {18_000_000}
    assert all("status" not in row and "error" not in row for row in rows)


async def test_lifetime_comes_from_project(client: httpx.AsyncClient, factory: RowFactory) -> None:
    with factory.plane.db.transaction() as tx:
        workspace = tx.new_id()
        tx.insert(
            "workspaces",
            id=workspace,
            user_id=factory.user,
            owner_user_id=factory.user,
            name="Acme",
            sandbox_timeout_ms=3_600_000,
            created_at=1,
            updated_at=1,
        )
    repo = factory.repo(workspace_id=workspace, sandbox_timeout_ms=600_000)
    factory.sandbox(repo)
    row = (await client.get(BOX)).json()["sandboxes"][0]
    assert row["runtime_summary"]["effective_timeout_ms"] == 3_600_000
    assert (await client.get(f"{BOX}?format=cli")).json()[0]["workspace"] == "Acme"


async def test_cli_format_lists_active_sandboxes(client: httpx.AsyncClient, factory: RowFactory) -> None:
    repo = factory.repo()
    for age, state in enumerate(STATUSES):
        name = "pending" if state == "creating" else f"vm-{state}"
        factory.sandbox(repo, status=state, working_branch=state, created_at=NOON - age, sandbox_id=name)
    rows = (await client.get(f"{BOX}?format=cli")).json()
    assert [row["status"] for row in rows] == ["creating", "installing", "running", "paused"]
    assert rows[0] == {
        "id": rows[0]["id"],
        "sandboxId": None,
        "repo": "acme/api",
        "workspace": "Imported Repos",
        "branch": "creating",
        "status": "creating",
        "createdAt": "2026-08-05T10:00:00+00:00",
        "url": None,
    }


async def test_list_stops_sandboxes_missing_at_provider(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    repo = factory.repo()
    gone = factory.sandbox(repo, provider_view="gone", last_boot_started_at=NOON - 100 * SECOND_US)
    kept = factory.sandbox(repo, status="pausing", working_branch="b", provider_view="gone")
    rows = {row["id"]: row for row in (await client.get(BOX)).json()["sandboxes"]}
    assert rows[gone]["runtime_summary"]["status"] == "stopped"
    assert rows[gone]["stop_reason"] == "vm_gone"
    assert rows[kept]["runtime_summary"]["status"] == "pausing"
    row = factory.row("sandboxes", gone)
    assert (row["compute_seconds"], row["cost_cents_estimate"]) == (100.0, 0.28)


@pytest.mark.parametrize(
    ("stored", "view", "shown", "kept"),
    [
        ("running", None, "running", "running"),
        ("installing", None, "installing", "installing"),
        ("paused", None, "paused", "paused"),
        ("stopped", None, "stopped", "stopped"),
        ("error", None, "error", "error"),
        ("stopped", "running", "running", "running"),
        ("error", "running", "running", "running"),
        ("paused", "running", "running", "running"),
        ("running", "halted", "stopped", "stopped"),
        ("pausing", "halted", "stopped", "stopped"),
        ("error", "halted", "stopped", "error"),
        ("running", "silent", "running", "running"),
        ("running", "gone", "running", "running"),
    ],
)
async def test_detail_stores_provider_status(
    client: httpx.AsyncClient, factory: RowFactory, stored: str, view: str | None, shown: str, kept: str
) -> None:
    box = factory.sandbox(factory.repo(), status=stored, provider_view=view)
    read = await client.get(f"{BOX}/{box}")
    assert status(read) == shown
    assert (read.json()["sandbox"]["stop_reason"] == "vm_gone") == (shown == "stopped" != stored)
    assert factory.row("sandboxes", box)["status"] == kept


@pytest.mark.parametrize(
    ("columns", "health", "http_status"),
    [
        ({"status": "running", "preview_url": None}, "not_available", None),
        ({"status": "running"}, "running", 200),
        ({"status": "running", "health_status": "idle_warning"}, "idle_warning", 200),
        ({"status": "installing"}, "starting", 502),
        ({"status": "paused"}, "stopped", None),
        ({"status": "running", "provider_view": "silent"}, "unreachable", None),
        ({"status": "error"}, "stopped", None),
    ],
)
async def test_health_is_preview_response(
    client: httpx.AsyncClient,
    factory: RowFactory,
    columns: dict[str, Any],
    health: str,
    http_status: int | None,
) -> None:
    box = factory.sandbox(factory.repo(), **({"preview_url": "https://x.example.dev"} | columns))
    answer = (await client.get(f"{BOX}/{box}/health")).json()
    runtime = answer["sandbox"]["runtime_summary"]
    assert answer["health"] == {"status": health}
    assert (runtime["health_status"], runtime["last_preview_http_status"]) == (health, http_status)
    assert runtime["last_health_check_at"] == "2026-08-05T10:00:00+00:00"
    assert "persistent" not in runtime
    assert factory.row("sandboxes", box)["health_status"] == health


async def test_health_finds_a_machine_gone(client: httpx.AsyncClient, factory: RowFactory) -> None:
    box = factory.sandbox(factory.repo(), provider_view="gone", preview_url="https://x.example.dev")
    answer = (await client.get(f"{BOX}/{box}/health")).json()
    assert answer["sandbox"]["runtime_summary"]["status"] == "stopped"
    assert answer["health"] == {"status": "not_available"}


async def test_reconcile_is_done_at_once(
    client: httpx.AsyncClient, factory: RowFactory, clock: ManualClock
) -> None:
    box = factory.sandbox(factory.repo(), status="pausing", stop_reason="auto_pause")
    first = (await client.post(f"{BOX}/{box}/reconcile")).json()
    assert first["sandbox"]["runtime_summary"]["status"] == "pausing"
    clock.advance(600)
    second = (await client.post(f"{BOX}/{box}/reconcile")).json()
    assert (second["queued"], second["reason"]) == (False, "trigger_not_configured")
    assert second["sandbox"]["runtime_summary"]["status"] == "running"
    assert second["sandbox"]["stop_reason"] is None


async def test_pause_ends_session_and_keeps_reason(
    client: httpx.AsyncClient, factory: RowFactory, clock: ManualClock
) -> None:
    box = factory.sandbox(factory.repo(), stop_reason="unknown", last_boot_started_at=NOON)
    clock.advance(3600)
    answer = (await client.post(f"{BOX}/{box}/pause")).json()["sandbox"]
    assert answer["runtime_summary"]["status"] == answer["runtime_summary"]["health_status"] == "paused"
    assert answer["stop_reason"] == "unknown"
    row = factory.row("sandboxes", box)
    assert (row["compute_seconds"], row["cost_cents_estimate"]) == (3600.0, 10.08)
    clock.advance(3600)
    assert status(await client.post(f"{BOX}/{box}/stop")) == "stopped"
    assert factory.row("sandboxes", box)["compute_seconds"] == 3600.0


@pytest.mark.parametrize("state", sorted(set(STATUSES) - {"running"}))
async def test_only_running_sandbox_can_be_paused_or_extended(
    client: httpx.AsyncClient, factory: RowFactory, state: str
) -> None:
    box = factory.sandbox(factory.repo(), status=state)
    for path, body in (("pause", None), ("extend", {"minutes": 5})):
        answer = await client.post(f"{BOX}/{box}/{path}", json=body)
        assert (answer.status_code, answer.json()) == (400, {"error": "Sandbox is not running"})


async def test_a_running_record_without_a_machine_is_still_booting(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    box = factory.sandbox(factory.repo(), sandbox_id="pending")
    answer = await client.post(f"{BOX}/{box}/pause")
    assert (answer.status_code, answer.json()) == (409, {"error": "Sandbox is still booting"})
    answer = await client.post(f"{BOX}/{box}/extend", json={"minutes": 5})
    assert (answer.status_code, answer.json()) == (409, {"error": "Sandbox is not ready"})


async def test_pause_without_provider_response_is_500(client: httpx.AsyncClient, factory: RowFactory) -> None:
    box = factory.sandbox(factory.repo(), provider_view="silent")
    answer = await client.post(f"{BOX}/{box}/pause")
    assert answer.status_code == 500 and "mogplex-vm-1" in answer.json()["error"]
    assert factory.row("sandboxes", box)["status"] == "running"


@pytest.mark.parametrize("state", STATUSES)
async def test_stop_sets_active_statuses_to_stopped(
    client: httpx.AsyncClient, factory: RowFactory, state: str
) -> None:
    box = factory.sandbox(
        factory.repo(), status=state, stop_reason="idle_timeout", preview_url="https://x.dev"
    )
    answer = await client.post(f"{BOX}/{box}/stop")
    active = state not in ("stopped", "error")
    assert status(answer) == ("error" if state == "error" else "stopped")
    assert answer.json()["sandbox"]["stop_reason"] == ("manual" if active else "idle_timeout")


async def test_stop_removes_files(client: httpx.AsyncClient, factory: RowFactory) -> None:
    box = factory.sandbox(factory.repo())
    await client.put(f"{BOX}/{box}/files", json={"path": "a.txt", "content": "hi"})
    assert factory.plane.db.value("SELECT COUNT(*) FROM sandbox_files") == 1
    await client.post(f"{BOX}/{box}/stop")
    assert factory.plane.db.value("SELECT COUNT(*) FROM sandbox_files") == 0


async def test_unconfirmed_stop_is_recorded(client: httpx.AsyncClient, factory: RowFactory) -> None:
    box = factory.sandbox(factory.repo(), provider_view="silent")
    answer = await client.post(f"{BOX}/{box}/stop")
    assert status(answer) == "running"
    text = (
        "Remote VM mogplex-vm-1 could not be confirmed stopped. The record remains active for reconciliation."
    )
    assert answer.json()["sandbox"]["error_summary"]["current_error"] == text


async def test_delete_removes_row_and_sends_realtime_frame(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    box = factory.sandbox(factory.repo())
    async with client.stream("GET", "/api/realtime/events?tables=sandboxes,end_of_test") as response:
        stream = RealtimeReader(response, factory.plane)
        assert await stream.line() == ": connected"
        answer = await client.delete(f"{BOX}/{box}")
        assert await stream.frames() == [("sandboxes", "DELETE")]
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "sandboxId": box})
    assert (await client.delete(f"{BOX}/{box}")).json() == {"error": "Sandbox not found"}


UNVERIFIED = (
    "Remote VM could not be verified as deleted. Record marked for reaper cleanup instead of deleted."
)
BILL = "Remote sandbox is gone. Billing closure is still reconciling; retry delete shortly."


@pytest.mark.parametrize(
    ("columns", "code", "warning", "state"),
    [
        ({"provider_view": "silent"}, 200, UNVERIFIED, "paused"),
        ({"provider_view": "silent", "persistent": 0}, 200, UNVERIFIED, "error"),
        ({"provider_view": "closing"}, 202, BILL, "error"),
    ],
)
async def test_delete_with_warning_keeps_row(
    client: httpx.AsyncClient,
    factory: RowFactory,
    columns: dict[str, Any],
    code: int,
    warning: str,
    state: str,
) -> None:
    box = factory.sandbox(factory.repo(), **columns)
    answer = await client.delete(f"{BOX}/{box}")
    assert answer.status_code == code
    assert answer.json() == {"ok": True, "sandboxId": box, "warning": warning}
    row = factory.row("sandboxes", box)
    assert (row["status"], row["error"]) == (state, warning)


async def test_unverifiable_stopped_row_is_unchanged(client: httpx.AsyncClient, factory: RowFactory) -> None:
    box = factory.sandbox(factory.repo(), status="stopped", provider_view="silent")
    assert (await client.delete(f"{BOX}/{box}")).json()["warning"] == UNVERIFIED
    row = factory.row("sandboxes", box)
    assert (row["status"], row["error"]) == ("stopped", None)


@pytest.mark.parametrize(
    ("minutes", "ms"), [(30, 1_800_000), ("5", 300_000), (True, 60_000), (1.5, 90_000), (300, 18_000_000)]
)
async def test_extending_takes_numbers_of_every_form(
    client: httpx.AsyncClient, factory: RowFactory, clock: ManualClock, minutes: Any, ms: int
) -> None:
    box = factory.sandbox(factory.repo())
    clock.advance(60)
    answer = await client.post(f"{BOX}/{box}/extend", json={"minutes": minutes})
    assert answer.json() == {"ok": True, "extendedByMs": ms}
    assert factory.row("sandboxes", box)["last_active_at"] == clock.us


@pytest.mark.parametrize(
    "body", [{}, {"minutes": 0}, {"minutes": None}, {"minutes": "x"}, {"minutes": 301}, []]
)
async def test_extending_checks_its_number_before_its_caller(anonymous: httpx.AsyncClient, body: Any) -> None:
    answer = await anonymous.post(f"{BOX}/any/extend", json=body)
    assert (answer.status_code, answer.json()) == (400, {"error": "minutes must be between 1 and 300"})
    assert (await anonymous.post(f"{BOX}/any/extend", json={"minutes": 5})).status_code == 401
