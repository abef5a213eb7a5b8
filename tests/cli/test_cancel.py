from __future__ import annotations

import json

import pytest

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.faults.rules import parse
from mogplex_tui.controlplane.server import PlaneServer
from tests.api.support import Seen, http, ok, refused, serving
from tests.cli.support import UNKNOWN_ID, CommandRunner, SystemClock, serve_behind_edge
from tests.controlplane.row_factory import RowFactory

RUN = "7d0c0000-0000-4000-8000-000000000001"


async def test_cancel_reports_state_that_is_read_back(operator: CommandRunner, factory: RowFactory) -> None:
    repo = factory.repo("acme/api")
    run = factory.run(repo)
    result = await operator("runs", "cancel", run, "--yes")
    assert result.code == 0
    assert result.out == f"{run}  cancelled\n"
    assert "is cancelled" in result.err
    assert factory.row("external_agent_runs", run)["status"] == "cancelled"


@pytest.mark.parametrize(
    ("answer", "code", "state"),
    [("y\n", 0, "cancelled"), ("\n", 1, "pending"), ("", 1, "pending")],
    ids=["yes", "default", "end of input"],
)
async def test_cancel_asks_on_terminal_with_no_as_default(
    operator: CommandRunner, factory: RowFactory, answer: str, code: int, state: str
) -> None:
    run = factory.run(factory.repo("acme/api"))
    result = await operator("runs", "cancel", run, terminal=True, stdin=answer)
    assert result.code == code
    assert "acme/api" in result.err and "[y/N]" in result.err
    assert factory.row("external_agent_runs", run)["status"] == state


async def test_cancel_without_terminal_needs_yes(mogplex: CommandRunner) -> None:
    async with serving(ok({})) as service:
        mogplex.use(service.base_url)
        result = await mogplex("runs", "cancel", RUN)
        assert (result.code, result.out) == (2, "")
        assert "--yes" in result.err
        assert service.seen == []


async def test_ended_run_is_not_cancelled(operator: CommandRunner, factory: RowFactory) -> None:
    repo = factory.repo()
    succeeded = factory.run(repo, factory.call(repo_id=repo, status="success"), status="success")
    result = await operator("runs", "cancel", succeeded, "--yes", "--json")
    assert result.code == 1
    assert result.only_object["state"] == "success"
    assert "already finished" in result.err
    stopped = factory.run(repo, factory.call(repo_id=repo, status="cancelled"), status="cancelled")
    assert (await operator("runs", "cancel", stopped, "--yes")).code == 0


async def test_call_without_run_is_cancelled_as_call(operator: CommandRunner, factory: RowFactory) -> None:
    call = factory.call(type="chat", status="streaming")
    result = await operator("runs", "cancel", call, "--yes", "--json")
    assert result.code == 0
    assert result.only_object["state"] == "cancelled"
    assert factory.row("ai_calls", call)["status"] == "cancelled"


async def test_cancel_of_call_ends_its_run(operator: CommandRunner, factory: RowFactory) -> None:
    repo = factory.repo()
    call = factory.call(repo_id=repo, metadata={"external_request_id": "k"})
    run = factory.run(repo, call)
    factory.event(call, "started", payload={"external_run_id": run})
    result = await operator("runs", "cancel", call, "--yes", "--json")
    assert (result.code, result.only_object["run_id"], result.only_object["state"]) == (0, run, "cancelled")
    assert factory.row("external_agent_runs", run)["status"] == "cancelled"


async def test_token_cannot_cancel_automation_run(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory
) -> None:
    job = factory.job(factory.flow(), factory.repo(), start=True)
    async with serve_behind_edge(plane) as service:
        mogplex.use(service.base_url, token=plane.token)
        result = await mogplex("runs", "cancel", job, "--yes")
        assert not [seen for seen in service.seen if seen.method == "POST"]
    assert result.code == 4
    assert "automation" in result.err


async def test_unknown_run_is_not_cancelled(operator: CommandRunner) -> None:
    result = await operator("runs", "cancel", UNKNOWN_ID, "--yes")
    assert (result.code, result.out) == (1, "")
    assert UNKNOWN_ID in result.err


@pytest.mark.parametrize(
    ("answer", "code", "message"),
    [
        (refused(409, "CONFLICT", "Sandbox is not ready"), 1, "Sandbox is not ready"),
        (refused(500, "INTERNAL_ERROR", "Failed to cancel run"), 1, "Failed to cancel run"),
        (refused(429, "RATE_LIMITED", "Rate limit exceeded. Retry after 60s.", Retry_After="60"), 5, "60s"),
        (refused(403, "FORBIDDEN", "Missing required scope: write."), 4, "write scope"),
        (http(502, b"<html>", "text/html"), 6, "cannot serve"),
    ],
    ids=["sandbox not ready", "internal error", "rate limited", "missing scope", "bad gateway"],
)
async def test_refused_cancel_reports_state_of_run(
    mogplex: CommandRunner, answer: bytes, code: int, message: str
) -> None:
    async with serving(_serve_one_run(["streaming"], answer)) as service:
        mogplex.use(service.base_url)
        result = await mogplex("runs", "cancel", RUN, "--yes")
    assert (result.code, result.out) == (code, "")
    assert message in result.err
    assert "was not cancelled and is streaming" in result.err


def _working_run(factory: RowFactory) -> tuple[str, str]:
    """Return the ids of a run whose command works in a sandbox, and of its call."""
    repo = factory.repo("acme/api")
    sandbox = factory.sandbox(repo)
    call = factory.call(repo_id=repo, metadata={"external_request_id": "k"})
    run = factory.run(repo, call, sandbox_record_id=sandbox, status="streaming")
    factory.event(call, "started", payload={"external_run_id": run})
    factory.start_streaming(call, "cmd_4", sandbox_record_id=sandbox)
    return run, call


@pytest.mark.parametrize("cookie", [False, True], ids=["token alone", "token and session"])
@pytest.mark.parametrize(
    ("rule", "why", "profile"),
    [
        ("GET /api/sandbox/* status:404", "could not reach the sandbox of run", "documented"),
        ("GET /api/sandbox/* 503", "could not reach the sandbox of run", "hosted"),
        ("POST /api/sandbox/*/exec/cancel 500", "failed on run", "documented"),
    ],
    ids=["sandbox gone", "no sandbox service", "kill failed"],
)
async def test_recorded_cancel_is_unconfirmed_and_repeatable(
    mogplex: CommandRunner, rule: str, why: str, profile: str, cookie: bool
) -> None:
    settings = Settings(speed=0, seeded=False, rate_limit=None, profile=profile, fault_route=True)
    async with PlaneServer(settings, clock=SystemClock()) as plane:
        factory = RowFactory(plane.plane, plane.plane.clock)  # type: ignore[arg-type]
        run, call = _working_run(factory)
        faults = plane.plane.faults
        assert faults is not None
        faults.add(parse(rule))
        mogplex.use(plane.base_url, token=plane.token, cookie=plane.session_cookie if cookie else None)
        result = await mogplex("runs", "cancel", run, "--yes", "--json")
        assert factory.row("ai_calls", call)["control_state"] == "cancel_requested"
        faults.clear()
        repeated = await mogplex("runs", "cancel", run, "--yes")
    assert (result.code, result.only_object["state"], result.only_object["cancel_requested"]) == (
        1,
        "cancelling",
        True,
    )
    assert f"The cancel of acme/api {run[:8]} is not confirmed." in result.err
    assert why in result.err and "does not allow this" not in result.err
    assert "The request is recorded; the same command repeats it." in result.err
    assert (repeated.code, repeated.out) == (0, f"{run}  cancelled\n")


async def test_failed_cancel_that_was_not_recorded_is_reported(
    operator: CommandRunner, factory: RowFactory
) -> None:
    run, call = _working_run(factory)
    faults = factory.plane.faults
    assert faults is not None
    faults.add(parse("POST /api/v1/mogplex/runs/*/cancel status:500"))
    result = await operator("runs", "cancel", run, "--yes")
    assert (result.code, result.out) == (1, "")
    assert "was not cancelled and is streaming" in result.err
    assert "recorded" not in result.err
    assert factory.row("ai_calls", call)["control_state"] == "active"


async def test_cancel_of_run_that_just_ended_reports_its_end(mogplex: CommandRunner) -> None:
    lost = refused(409, "CONFLICT", "Run is no longer active")
    async with serving(_serve_one_run(["streaming", "success"], lost)) as service:
        mogplex.use(service.base_url)
        result = await mogplex("runs", "cancel", RUN, "--yes", "--json")
    assert (result.code, result.only_object["state"]) == (1, "success")
    assert "already finished (success)" in result.err


async def test_pending_cancel_is_reported_as_requested(mogplex: CommandRunner) -> None:
    accepted = ok({"run": _detail("streaming"), "status": "streaming", "alreadyTerminal": False})
    async with serving(_serve_one_run(["streaming"], accepted)) as service:
        mogplex.use(service.base_url)
        result = await mogplex("runs", "cancel", RUN, "--yes", "--json")
    assert (result.code, result.only_object["state"]) == (0, "streaming")
    assert "is still streaming" in result.err


def _detail(status: str) -> dict[str, str]:
    return {"runId": RUN, "status": status, "createdAt": "2026-08-05T10:00:00Z"}


def _serve_one_run(states: list[str], cancel: bytes):  # type: ignore[no-untyped-def]
    """Serve v1 alone with one run, which changes to its next state on every read."""

    async def answer(seen: Seen, _: object) -> bytes:
        if seen.method == "POST":
            return cancel
        if not seen.path.startswith("/api/v1/"):
            return http(307, b"", "", Location="/login")
        state = states.pop(0) if len(states) > 1 else states[0]
        return ok(json.loads(json.dumps({"run": _detail(state), "repos": []})))

    return answer
