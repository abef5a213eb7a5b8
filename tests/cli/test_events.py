from __future__ import annotations

import csv
import io
import json

from mogplex_tui.controlplane.calls import call_writes
from mogplex_tui.controlplane.db.clock import SECOND_US
from mogplex_tui.controlplane.runs import run_writes
from mogplex_tui.controlplane.server import PlaneServer
from tests.api.support import Seen, http, serving
from tests.cli.support import CommandRunner, serve_behind_edge
from tests.controlplane.row_factory import RowFactory

TOOL = {"tool_call_id": "t1", "input": {"command": "make test"}, "input_preview": "make test"}


def end(factory: RowFactory, call: str, run: str | None = None, status: str = "success") -> None:
    with factory.plane.db.transaction() as tx:
        ended = "Harness run finished" if status == "success" else "Harness run failed"
        assert call_writes.finish_call(tx, call, status, factory.clock.us, message=ended)
        if run is not None:
            assert run_writes.set_run(tx, run, factory.clock.us, status=status)


async def test_events_are_ndjson_oldest_first_without_secrets(
    operator: CommandRunner, factory: RowFactory
) -> None:
    call = factory.call(status="success")
    at = factory.clock.us
    factory.event(
        call, "tool_finished", at=at + SECOND_US, tool_name="bash", payload=TOOL | {"success": True}
    )
    factory.event(call, "tool_started", at=at, tool_name="bash", payload=TOOL | {"api_key": "hunter2"})
    factory.event(call, "log", at=at + 2, message="pushed with ghp_abcdefghijklmnopqrstuvwxyz0123456789")
    result = await operator("runs", "events", call, "--json")
    assert result.code == 0
    assert [event["type"] for event in result.objects] == ["tool_started", "log", "tool_finished"]
    assert {event["object"] for event in result.objects} == {"event"}
    assert {event["call_id"] for event in result.objects} == {call}
    assert all(event["at"].endswith("Z") for event in result.objects)
    assert result.objects[0]["payload"]["input"] == {"command": "make test"}
    assert "hunter2" not in result.out
    assert "ghp_" not in result.out
    assert result.err == ""


async def test_event_line_has_time_type_and_details(operator: CommandRunner, factory: RowFactory) -> None:
    call = factory.call(status="success")
    factory.event(call, "tool_started", tool_name="bash", payload=TOOL)
    finish = TOOL | {"success": False, "duration_ms": 1500, "error": "exit 2"}
    factory.event(call, "tool_finished", at=factory.clock.us, tool_name="bash", payload=finish)
    factory.event(call, "log", message="red\x1b[31m\x07\u202e", at=factory.clock.us)
    result = await operator("runs", "events", call)
    started, finished, log = result.lines
    assert started.split(maxsplit=1)[1] == "tool_started      bash  make test"
    assert "tool_finished     bash  failed in 1.5s" in finished
    assert log.endswith("red␛[31m␇\\u202e")
    assert "\x1b" not in result.out


async def test_exit_status_option_maps_result_of_run(operator: CommandRunner, factory: RowFactory) -> None:
    call = factory.call(status="failed")
    assert (await operator("runs", "events", call)).code == 0
    failed = await operator("runs", "events", call, "--exit-status")
    assert failed.code == 1
    assert "failed" in failed.err
    good = factory.call(status="success")
    assert (await operator("runs", "events", good, "--exit-status")).code == 0


async def test_follow_prints_events_until_run_ends(operator: CommandRunner, factory: RowFactory) -> None:
    repo = factory.repo("acme/api")
    call = factory.call(repo_id=repo)
    run = factory.run(repo, call)
    factory.event(call, "started", message="accepted", payload={"external_run_id": run})
    command = operator.start("runs", "events", run, "--follow", "--exit-status")
    await command.wait_for(lambda: "accepted" in command.out.text)
    factory.start_streaming(call)
    factory.event(call, "log", message="halfway")
    await command.wait_for(lambda: "halfway" in command.out.text)
    assert not command.task.done()
    end(factory, call, run)
    result = await command.result()
    assert result.code == 0
    assert [line.split()[1] for line in result.lines] == ["started", "status_changed", "log", "finished"]
    assert "acme/api" in result.err and "success" in result.err


async def test_follow_of_failing_call_ends_with_1_if_asked(
    operator: CommandRunner, factory: RowFactory
) -> None:
    call = factory.call(type="chat", status="streaming")
    command = operator.start("runs", "events", call[:12], "-f", "--json", "--exit-status")
    factory.event(call, "log", message="on its way")
    await command.wait_for(lambda: "on its way" in command.out.text)
    end(factory, call, status="failed")
    result = await command.result()
    assert result.code == 1
    assert [event["type"] for event in result.objects] == ["log", "failed"]


async def test_follow_behind_edge_polls_v1(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory
) -> None:
    repo = factory.repo()
    call = factory.call(repo_id=repo)
    run = factory.run(repo, call, status="streaming")
    async with serve_behind_edge(plane) as service:
        mogplex.use(service.base_url, token=plane.token)
        command = mogplex.start("runs", "events", run, "--follow")
        factory.event(call, "log", message="over v1")
        await command.wait_for(lambda: "over v1" in command.out.text)
        end(factory, call, run, "failed")
        result = await command.result()
    assert result.code == 0
    assert "No live updates" in result.err
    assert "failed" in result.err.splitlines()[-1]
    assert [line.split()[1] for line in result.lines] == ["log", "failed"]


async def test_limit_of_v1_events_is_reported(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory
) -> None:
    repo = factory.repo()
    call = factory.call(repo_id=repo, status="success")
    run = factory.run(repo, call, status="success")
    for number in range(230):
        factory.event(call, "log", at=factory.clock.us, message=f"event {number}")
    async with serve_behind_edge(plane) as service:
        mogplex.use(service.base_url, token=plane.token)
        result = await mogplex("runs", "events", run)
    assert len(result.lines) == 200
    assert "The first 200 events" in result.err
    mogplex.use(plane.base_url, token=plane.token)
    all_events = await mogplex("runs", "events", run)
    assert len(all_events.lines) == 230
    assert all_events.err == ""


async def test_unreadable_events_are_counted(mogplex: CommandRunner) -> None:
    call = {
        "id": "c9000000-0000-4000-8000-000000000002",
        "status": "success",
        "started_at": "2026-08-05T10:00:00Z",
    }
    events = [
        {"id": "e1", "event_type": "log", "created_at": "2026-08-05T10:00:01Z", "message": "fine"},
        {"id": "e2", "event_type": "log", "created_at": "never"},
    ]

    async def answer(seen: Seen, _: object) -> bytes:
        if seen.path.endswith("/calls"):
            return http(200, {"calls": [call], "total": 1})
        if seen.path.endswith("/call-events"):
            return http(200, {"events": events})
        return http(404, {"ok": False, "error": {"code": "NOT_FOUND", "message": "Run not found"}})

    async with serving(answer) as service:
        mogplex.use(service.base_url)
        result = await mogplex("runs", "events", str(call["id"]), "--json")
    fine, marked = result.objects
    assert (fine["type"], fine["message"]) == ("log", "fine")
    assert (marked["type"], marked["payload"]) == ("unreadable", events[1])
    assert "1 event could not be parsed" in result.err


async def test_follow_survives_temporary_errors(mogplex: CommandRunner) -> None:
    run = "7d0c0000-0000-4000-8000-000000000001"
    detail = {"runId": run, "status": "streaming", "createdAt": "2026-08-05T10:00:00Z"}
    reads = 0

    async def answer(seen: Seen, _: object) -> bytes:
        nonlocal reads
        if not seen.path.startswith("/api/v1/"):
            return http(307, b"", "", Location="/login")
        if not seen.path.endswith("/events"):
            return http(200, {"ok": True, "data": {"run": detail, "repos": []}})
        reads += 1
        if reads == 2:
            return http(502, b"<html>bad gateway</html>", "text/html")
        current = detail | {"status": "success"} if reads > 2 else detail
        return http(200, {"ok": True, "data": {"run": current, "events": []}})

    async with serving(answer) as service:
        mogplex.use(service.base_url)
        result = await mogplex("runs", "events", run, "--follow", "--exit-status")
    assert result.code == 0
    assert "cannot serve" in result.err
    assert "Connected again." in result.err


async def test_events_as_csv_have_one_header_and_json_payload(
    operator: CommandRunner, factory: RowFactory
) -> None:
    call = factory.call(status="success")
    at = factory.clock.us
    factory.event(call, "log", at=at, message='a, "b"')
    factory.event(call, "tool_started", at=at + 1, tool_name="bash", payload=TOOL)
    for words in (("runs", "events", call, "-o", "csv"), ("runs", "-o", "csv", "events", call)):
        log, tool = csv.DictReader(io.StringIO((await operator(*words)).out))
        assert (log["type"], log["message"], log["call_id"]) == ("log", 'a, "b"', call)
        assert (tool["tool"], json.loads(tool["payload"])["input"]) == ("bash", TOOL["input"])
        assert log["at"].endswith("Z")


async def test_final_message_has_one_full_stop(operator: CommandRunner, factory: RowFactory) -> None:
    result = await operator("runs", "events", factory.call(status="failed", error="no"), "--exit-status")
    # The service's own sentence, which ends with a full stop.
    assert "contact support with incident" in result.err
    assert result.err.endswith(".\n") and ".." not in result.err
