"""Sandbox launches: checks, quotas, the stream and the stored record."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.calls import admission_writes
from mogplex_tui.controlplane.db.clock import DAY_US, HOUR_US, SECOND_US
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.api_paths import V1
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.realtime_reader import RealtimeReader
from tests.controlplane.row_factory import RowFactory
from tests.controlplane.sandboxes.sandbox_streams import (
    BOX,
    events,
    idle,
    kinds,
    next_event,
    running,
    team,
    tick,
)


async def test_a_launch_tells_its_stages_in_order(client: httpx.AsyncClient, factory: RowFactory) -> None:
    repo = factory.repo()
    answer = await client.post(BOX, json={"repoId": repo, "workingBranch": "fix/tax", "createBranch": True})
    assert answer.status_code == 200
    found = events(answer)
    order = ["status", "sandbox_created", "log", "status", "log", "preview_url", "status", "ready"]
    assert kinds(found) == order
    assert [event["status"] for event in found if event["type"] == "status"] == [
        "creating", "installing", "running",
    ]  # fmt: skip
    assert found[0]["sandbox"]["sandbox_id"] == "pending"
    assert (found[0]["sandbox"]["install_log"], found[0]["sandbox"]["dev_log"]) == ("", "")
    created = next(event for event in found if event["type"] == "sandbox_created")
    name = f"mogplex-{factory.user[:6]}-{repo[:6]}-fix-tax-root"
    assert created["sandboxId"] == created["sandbox"]["sandbox_id"] == name
    assert {event["phase"] for event in found if event["type"] == "log"} == {"workspace", "install", "dev"}
    row = factory.row("sandboxes", created["recordId"])
    assert (row["status"], row["health_status"], row["working_branch"]) == ("running", "running", "fix/tax")
    assert row["preview_url"] == next(event["url"] for event in found if event["type"] == "preview_url")
    assert "install" in row["install_log"] and row["dev_log"]
    assert found[-1]["sandbox"]["runtime_summary"]["status"] == "running"
    claim = factory.plane.db.only("SELECT * FROM limit_events")
    assert (claim["decision"], claim["claim_id"]) == ("allowed", row["limit_claim_id"])


async def test_a_launch_is_announced(client: httpx.AsyncClient, factory: RowFactory) -> None:
    async with client.stream(
        "GET", "/api/realtime/events?tables=sandboxes,limit_events,end_of_test"
    ) as response:
        stream = RealtimeReader(response, factory.plane)
        assert await stream.line() == ": connected"
        await client.post(BOX, json={"repoId": factory.repo()})
        frames = await stream.frames()
    assert frames[:2] == [("limit_events", "INSERT"), ("sandboxes", "INSERT")]
    assert set(frames[2:]) == {("sandboxes", "UPDATE")}


async def test_active_sandbox_of_same_branch_is_returned_as_json(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    repo = factory.repo()
    box = factory.sandbox(repo, status="pausing")
    answer = await client.post(BOX, json={"repoId": repo})
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["sandbox"]["id"] == box
    other = await client.post(BOX, json={"repoId": repo, "rootDirectory": "apps/web/"})
    assert events(other)[-1]["sandbox"]["root_directory"] == "apps/web"


async def test_a_paused_sandbox_is_resumed_and_answered_as_json(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    repo = factory.repo()
    box = factory.sandbox(repo, status="paused", boot_attempts=1)
    answer = (await client.post(BOX, json={"repoId": repo})).json()["sandbox"]
    assert (answer["id"], answer["runtime_summary"]["status"]) == (box, "running")
    assert answer["runtime_summary"]["boot_attempts"] == 2


async def test_a_machine_without_a_record_is_adopted(client: httpx.AsyncClient, factory: RowFactory) -> None:
    repo = factory.repo()
    old = factory.sandbox(repo, status="stopped", provider_view="running")
    answer = (await client.post(BOX, json={"repoId": repo})).json()["sandbox"]
    assert answer["id"] != old and answer["sandbox_id"] == "mogplex-vm-1"
    assert answer["runtime_summary"]["status"] == "running"
    assert factory.row("sandboxes", old)["provider_view"] is None


async def test_launch_without_machine_is_replaced_by_next(
    client: httpx.AsyncClient, factory: RowFactory, clock: ManualClock
) -> None:
    repo = factory.repo()
    stuck = factory.sandbox(repo, status="creating", sandbox_id="pending")
    clock.advance(89)
    assert (await client.post(BOX, json={"repoId": repo})).json()["sandbox"]["id"] == stuck
    clock.advance(1)
    found = events(await client.post(BOX, json={"repoId": repo}))
    assert found[-1]["type"] == "ready" and found[-1]["sandbox"]["id"] != stuck
    row = factory.row("sandboxes", stuck)
    assert (row["status"], row["stop_reason"]) == ("stopped", "stuck_boot")


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({}, 400, "repoId required"),
        ({"repoId": " "}, 400, "repoId required"),
        ({"repoId": 7}, 400, "repoId required"),
        ({"repoId": "nope"}, 404, "Repo not found"),
        ({"baseBranch": "a..b"}, 400, "Invalid base branch"),
        ({"workingBranch": "x.lock"}, 400, "Invalid working branch"),
        ({"createBranch": True}, 400, "Invalid working branch"),
        (
            {"createBranch": True, "workingBranch": "main"},
            400,
            "New branch name must differ from the default branch",
        ),
        ({"rootDirectory": "../x"}, 400, "Invalid root directory"),
        ({"rootDirectory": "a/%2e%2E/b"}, 400, "Invalid root directory"),
    ],
)
async def test_a_launch_is_checked(
    client: httpx.AsyncClient, factory: RowFactory, body: dict[str, object], status: int, text: str
) -> None:
    repo = factory.repo()
    full = body if body == {} or "repoId" in body else {"repoId": repo, **body}
    answer = await client.post(BOX, json=full)
    assert (answer.status_code, answer.json()) == (status, {"error": text})
    assert factory.plane.db.value("SELECT COUNT(*) FROM sandboxes") == 0


async def test_only_true_makes_a_branch(client: httpx.AsyncClient, factory: RowFactory) -> None:
    answer = await client.post(BOX, json={"repoId": factory.repo(), "createBranch": "true"})
    assert events(answer)[-1]["sandbox"]["working_branch"] == "main"


async def test_another_accounts_repository_is_not_found(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    repo = factory.repo(user_id=factory.profile("jo"))
    answer = await client.post(BOX, json={"repoId": repo})
    assert (answer.status_code, answer.json()) == (404, {"error": "Repo not found"})


async def test_github_and_funds_are_looked_at_in_their_order(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    repo = factory.repo(github_installation_id=None)
    with factory.plane.db.transaction() as tx:
        tx.update("profiles", factory.user, github_oauth=0, allow_platform_sandbox=0)
    answer = await client.post(BOX, json={"repoId": repo, "baseBranch": "a..b"})
    assert (answer.status_code, answer.json()) == (400, {"error": "Connect GitHub account first"})
    with factory.plane.db.transaction() as tx:
        tx.update("profiles", factory.user, github_oauth=1)
    answer = await client.post(BOX, json={"repoId": repo})
    text = "Hosted sandbox compute requires a positive billing balance. Add funds or choose a plan in Settings > Billing."
    assert (answer.status_code, answer.json()) == (403, {"error": text})


async def test_failed_boot_sets_status_error(client: httpx.AsyncClient, factory: RowFactory) -> None:
    answer = await client.post(BOX, json={"repoId": factory.repo(github_installation_id=None)})
    found = events(answer)
    assert kinds(found)[-2:] == ["status", "error"]
    assert (found[-2]["status"], found[-1]["phase"]) == ("error", "bootstrap")
    shown = found[-2]["sandbox"]
    assert shown["error_summary"]["display_error"] == shown["error_summary"]["current_error"]
    assert shown["error_summary"]["last_boot_error"] == found[-1]["message"]
    assert factory.row("sandboxes", shown["id"])["status"] == "error"


async def test_fourth_active_sandbox_is_refused_and_recorded(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    repo = factory.repo()
    for state in ("creating", "installing", "running", "pausing"):
        factory.sandbox(repo, status=state, working_branch=state)
    answer = await client.post(BOX, json={"repoId": repo, "workingBranch": "more"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "15")
    assert answer.json() == {
        "error": "Too many active sandboxes",
        "code": "sandbox_boot_rate_limited",
        "retryAfterSeconds": 15,
        "limit": {"name": "active_sandboxes", "value": 3, "windowSeconds": 0},
    }
    denied = factory.plane.db.only("SELECT * FROM limit_events")
    assert (denied["route_key"], denied["decision"], denied["repo_id"]) == ("sandbox_boot", "denied", repo)
    assert denied["limit_name"] == "active_sandboxes"


@pytest.mark.parametrize(
    ("count", "age_us", "text", "name", "window", "wait"),
    [
        (120, HOUR_US - 7 * SECOND_US, "Sandbox boot rate limit exceeded", "sandbox_boots_per_hour", 3600, 7),
        (10_000, DAY_US - SECOND_US, "Daily sandbox boot quota exceeded", "sandbox_boots_per_day", 86400, 1),
    ],
)
async def test_boots_are_counted_in_rolling_windows(
    client: httpx.AsyncClient,
    factory: RowFactory,
    count: int,
    age_us: int,
    text: str,
    name: str,
    window: int,
    wait: int,
) -> None:
    columns: dict[str, Any] = {"user_id": factory.user, "route_key": "sandbox_boot", "decision": "allowed"}
    with factory.plane.db.transaction() as tx:
        for _ in range(count):
            admission_writes.record_limit(tx, at=factory.clock.us - age_us, resource_id="a boot", **columns)
            # One of the story, which is somebody else's.
            admission_writes.record_limit(tx, at=factory.clock.us, **columns)
    answer = await client.post(BOX, json={"repoId": factory.repo()})
    assert answer.status_code == 429
    assert (answer.json()["error"], answer.json()["retryAfterSeconds"]) == (text, wait)
    assert answer.json()["limit"] == {"name": name, "value": count, "windowSeconds": window}


async def test_role_without_capability_is_refused_before_body(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    text = "Your team role does not allow this sandbox operation (tools.bash)."
    for team_id in (team(factory, "viewer"), factory.repo()):
        answer = await client.post(BOX, json={}, headers={"x-mogplex-team-id": team_id})
        assert (answer.status_code, answer.json()) == (403, {"error": text})
    answer = await client.post(BOX, json={}, headers={"x-mogplex-team-id": team(factory, "developer")})
    assert answer.json() == {"error": "repoId required"}


async def test_team_has_own_sandboxes(client: httpx.AsyncClient, factory: RowFactory) -> None:
    repo, team_id = factory.repo(), team(factory, "admin")
    personal = factory.sandbox(repo)
    found = events(await client.post(BOX, json={"repoId": repo}, headers={"x-mogplex-team-id": team_id}))
    own = found[-1]["sandbox"]["id"]
    assert own != personal and f"-t{team_id[:6]}-" in found[-1]["sandbox"]["sandbox_id"]
    listed = await client.get(BOX, headers={"x-mogplex-team-id": team_id})
    assert [row["id"] for row in listed.json()["sandboxes"]] == [own]
    assert [row["id"] for row in (await client.get(BOX)).json()["sandboxes"]] == [personal]


async def test_launch_continues_without_client() -> None:
    async with running(40.0) as (server, factory, client):
        repo = factory.repo()
        async with client.stream("POST", BOX, json={"repoId": repo}) as answer:
            first = await next_event(answer.aiter_lines())
        assert first["status"] == "creating"
        await idle(server)
        assert factory.row("sandboxes", first["sandbox"]["id"])["status"] == "running"


async def test_stop_during_boot_ends_stream() -> None:
    async with running(10.0) as (server, factory, client):
        async with client.stream("POST", BOX, json={"repoId": factory.repo()}) as answer:
            lines = answer.aiter_lines()
            while (event := await next_event(lines))["type"] != "sandbox_created":
                assert event["type"] == "status"
            await client.post(f"{BOX}/{event['recordId']}/stop")
            while (last := await next_event(lines))["type"] != "error":
                assert last["type"] in ("log", "status")
        assert last == {
            "type": "error",
            "message": "Sandbox creation was cancelled before it became ready.",
            "phase": "bootstrap",
        }
        await idle(server)
        assert factory.row("sandboxes", event["recordId"])["status"] == "stopped"


async def test_stop_before_machine_exists_supersedes_launch() -> None:
    async with running(10.0) as (_, factory, client):
        async with client.stream("POST", BOX, json={"repoId": factory.repo()}) as answer:
            lines = answer.aiter_lines()
            first = await next_event(lines)
            await client.post(f"{BOX}/{first['sandbox']['id']}/stop")
            last = await next_event(lines)
        text = "Sandbox creation was superseded by a newer state change."
        assert last == {"type": "error", "message": text, "phase": "create"}


async def test_server_shutdown_ends_launch_and_stream() -> None:
    async with running(0.01) as (server, factory, client):
        async with client.stream("POST", BOX, json={"repoId": factory.repo()}) as answer:
            lines = answer.aiter_lines()
            await next_event(lines)
            await server.plane.sandbox_tasks.close()
            assert [line async for line in lines if line] == []
        assert server.plane.sandbox_tasks.task_count == 0


async def test_v1_launch_returns_after_boot(client: httpx.AsyncClient, factory: RowFactory) -> None:
    repo = factory.repo()
    answer = await client.post(f"{V1}/sandboxes", json={"repoId": repo, "rootDirectory": "/apps/web"})
    assert answer.status_code == 202
    row = answer.json()["data"]["sandbox"]
    assert (row["status"], row["root_directory"], row["error"]) == ("running", "apps/web", None)
    again = await client.post(f"{V1}/sandboxes", json={"repoId": repo, "rootDirectory": "apps/web"})
    assert (again.status_code, again.json()["data"]["sandbox"]["id"]) == (202, row["id"])


async def test_v1_launch_maps_refusals(client: httpx.AsyncClient, factory: RowFactory) -> None:
    async def refused(**request: object) -> tuple[int, str, str]:
        answer = await client.post(f"{V1}/sandboxes", **request)  # type: ignore[arg-type]
        assert "retry-after" not in answer.headers
        error = answer.json()["error"]
        return answer.status_code, error["code"], error["message"]

    assert await refused(content=b"not json") == (400, "BAD_REQUEST", "repoId is required")
    assert await refused(json={"repoId": "x"}) == (404, "BAD_REQUEST", "Repo not found")
    repo = factory.repo()
    assert await refused(json={"repoId": repo, "baseBranch": "@"}) == (
        400, "BAD_REQUEST", "Invalid base branch",
    )  # fmt: skip
    bare = factory.repo("acme/bare", github_installation_id=None)
    status, code, message = await refused(json={"repoId": bare})
    assert (status, code) == (502, "SERVICE_UNAVAILABLE")
    box = factory.plane.db.only("SELECT status, error FROM sandboxes")
    assert (box["status"], box["error"]) == ("error", message)
    for branch in ("a", "b", "c"):
        factory.sandbox(repo, working_branch=branch)
    assert await refused(json={"repoId": repo}) == (429, "BAD_REQUEST", "Too many active sandboxes")


async def test_v1_launch_needs_write_scope(server: PlaneServer, anonymous: httpx.AsyncClient) -> None:
    headers = {"Authorization": f"Bearer {server.read_only_token}"}
    answer = await anonymous.post(f"{V1}/sandboxes", json={}, headers=headers)
    assert answer.status_code == 403


async def test_booting_sandbox_refuses_pause_and_restart(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    box = factory.sandbox(factory.repo(), status="creating", sandbox_id="pending")
    tick(factory, box, provider_view=None)
    assert (await client.post(f"{BOX}/{box}/pause")).json() == {"error": "Sandbox is not running"}
    answer = await client.post(f"{BOX}/{box}/restart")
    assert (answer.status_code, answer.json()) == (409, {"error": "Sandbox is still booting"})
