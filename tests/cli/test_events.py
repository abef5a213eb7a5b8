from __future__ import annotations

import csv
import io
import json

from mogplex_tui.controlplane.calls import call_writes
from mogplex_tui.controlplane.db.clock import SECOND_US
from mogplex_tui.controlplane.runs import run_writes
from mogplex_tui.controlplane.server import PlaneServer
from tests.api.support import Seen, http, serving
from tests.cli.support import Mogplex, hosted
from tests.controlplane.row_factory import RowFactory

TOOL = {"tool_call_id": "t1", "input": {"command": "make test"}, "input_preview": "make test"}


def end(world: RowFactory, call: str, run: str | None = None, status: str = "success") -> None:
    with world.plane.db.transaction() as tx:
        ended = "Harness run finished" if status == "success" else "Harness run failed"
        assert call_writes.finish_call(tx, call, status, world.clock.us, message=ended)
        if run is not None:
            assert run_writes.set_run(tx, run, world.clock.us, status=status)


async def test_events_are_one_object_a_line_oldest_first_and_without_secrets(
    operator: Mogplex, world: RowFactory
) -> None:
    call = world.call(status="success")
    at = world.clock.us
    world.event(call, "tool_finished", at=at + SECOND_US, tool_name="bash", payload=TOOL | {"success": True})
    world.event(call, "tool_started", at=at, tool_name="bash", payload=TOOL | {"api_key": "hunter2"})
    world.event(call, "log", at=at + 2, message="pushed with ghp_abcdefghijklmnopqrstuvwxyz0123456789")
    done = await operator("runs", "events", call, "--json")
    assert done.code == 0
    assert [event["type"] for event in done.objects] == ["tool_started", "log", "tool_finished"]
    assert {event["object"] for event in done.objects} == {"event"}
    assert {event["call_id"] for event in done.objects} == {call}
    assert all(event["at"].endswith("Z") for event in done.objects)
    assert done.objects[0]["payload"]["input"] == {"command": "make test"}
    assert "hunter2" not in done.out
    assert "ghp_" not in done.out
    assert done.err == ""


async def test_a_line_says_when_what_and_how(operator: Mogplex, world: RowFactory) -> None:
    call = world.call(status="success")
    world.event(call, "tool_started", tool_name="bash", payload=TOOL)
    finish = TOOL | {"success": False, "duration_ms": 1500, "error": "exit 2"}
    world.event(call, "tool_finished", at=world.clock.us, tool_name="bash", payload=finish)
    world.event(call, "log", message="red\x1b[31m\x07\u202e", at=world.clock.us)
    done = await operator("runs", "events", call)
    started, finished, log = done.lines
    assert started.split(maxsplit=1)[1] == "tool_started      bash  make test"
    assert "tool_finished     bash  failed in 1.5s" in finished
    assert log.endswith("red␛[31m␇\\u202e")
    assert "\x1b" not in done.out


async def test_the_end_of_the_run_is_the_exit_code_only_when_asked(
    operator: Mogplex, world: RowFactory
) -> None:
    call = world.call(status="failed")
    assert (await operator("runs", "events", call)).code == 0
    failed = await operator("runs", "events", call, "--exit-status")
    assert failed.code == 1
    assert "failed" in failed.err
    good = world.call(status="success")
    assert (await operator("runs", "events", good, "--exit-status")).code == 0


async def test_following_prints_events_as_they_come_and_ends_with_the_run(
    operator: Mogplex, world: RowFactory
) -> None:
    repo = world.repo("acme/api")
    call = world.call(repo_id=repo)
    run = world.run(repo, call)
    world.event(call, "started", message="accepted", payload={"external_run_id": run})
    going = operator.begin("runs", "events", run, "--follow", "--exit-status")
    await going.until(lambda: "accepted" in going.out.text)
    world.start_streaming(call)
    world.event(call, "log", message="halfway")
    await going.until(lambda: "halfway" in going.out.text)
    assert not going.task.done()
    end(world, call, run)
    done = await going.done()
    assert done.code == 0
    assert [line.split()[1] for line in done.lines] == ["started", "status_changed", "log", "finished"]
    assert "acme/api" in done.err and "success" in done.err


async def test_following_a_call_that_fails_ends_with_one_where_asked(
    operator: Mogplex, world: RowFactory
) -> None:
    call = world.call(type="chat", status="streaming")
    going = operator.begin("runs", "events", call[:12], "-f", "--json", "--exit-status")
    world.event(call, "log", message="on its way")
    await going.until(lambda: "on its way" in going.out.text)
    end(world, call, status="failed")
    done = await going.done()
    assert done.code == 1
    assert [event["type"] for event in done.objects] == ["log", "failed"]


async def test_following_behind_the_hosted_edge_polls_v1_and_says_so(
    mogplex: Mogplex, plane: PlaneServer, world: RowFactory
) -> None:
    repo = world.repo()
    call = world.call(repo_id=repo)
    run = world.run(repo, call, status="streaming")
    async with hosted(plane) as service:
        mogplex.use(service.base_url, token=plane.token)
        going = mogplex.begin("runs", "events", run, "--follow")
        world.event(call, "log", message="over v1")
        await going.until(lambda: "over v1" in going.out.text)
        end(world, call, run, "failed")
        done = await going.done()
    assert done.code == 0
    assert "Without live updates" in done.err
    assert "failed" in done.err.splitlines()[-1]
    assert [line.split()[1] for line in done.lines] == ["log", "failed"]


async def test_the_horizon_of_v1_is_said(mogplex: Mogplex, plane: PlaneServer, world: RowFactory) -> None:
    repo = world.repo()
    call = world.call(repo_id=repo, status="success")
    run = world.run(repo, call, status="success")
    for number in range(230):
        world.event(call, "log", at=world.clock.us, message=f"event {number}")
    async with hosted(plane) as service:
        mogplex.use(service.base_url, token=plane.token)
        done = await mogplex("runs", "events", run)
    assert len(done.lines) == 200
    assert "The first 200 events" in done.err
    mogplex.use(plane.base_url, token=plane.token)
    everything = await mogplex("runs", "events", run)
    assert len(everything.lines) == 230
    assert everything.err == ""


async def test_events_that_cannot_be_read_are_counted_aloud(mogplex: Mogplex) -> None:
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
        done = await mogplex("runs", "events", str(call["id"]), "--json")
    fine, marked = done.objects
    assert (fine["type"], fine["message"]) == ("log", "fine")
    assert (marked["type"], marked["payload"]) == ("unreadable", events[1])
    assert "1 event could not be read" in done.err


async def test_a_follow_outlives_a_service_that_fails_for_a_while(mogplex: Mogplex) -> None:
    run = "7d0c0000-0000-4000-8000-000000000001"
    detail = {"runId": run, "status": "streaming", "createdAt": "2026-08-05T10:00:00Z"}
    asked = 0

    async def answer(seen: Seen, _: object) -> bytes:
        nonlocal asked
        if not seen.path.startswith("/api/v1/"):
            return http(307, b"", "", Location="/login")
        if not seen.path.endswith("/events"):
            return http(200, {"ok": True, "data": {"run": detail, "repos": []}})
        asked += 1
        if asked == 2:
            return http(502, b"<html>bad gateway</html>", "text/html")
        now = detail | {"status": "success"} if asked > 2 else detail
        return http(200, {"ok": True, "data": {"run": now, "events": []}})

    async with serving(answer) as service:
        mogplex.use(service.base_url)
        done = await mogplex("runs", "events", run, "--follow", "--exit-status")
    assert done.code == 0
    assert "cannot serve" in done.err
    assert "It answers again." in done.err


async def test_events_as_csv_have_their_titles_once_and_the_payload_as_json(
    operator: Mogplex, world: RowFactory
) -> None:
    call = world.call(status="success")
    at = world.clock.us
    world.event(call, "log", at=at, message='a, "b"')
    world.event(call, "tool_started", at=at + 1, tool_name="bash", payload=TOOL)
    for words in (("runs", "events", call, "-o", "csv"), ("runs", "-o", "csv", "events", call)):
        log, tool = csv.DictReader(io.StringIO((await operator(*words)).out))
        assert (log["type"], log["message"], log["call_id"]) == ("log", 'a, "b"', call)
        assert (tool["tool"], json.loads(tool["payload"])["input"]) == ("bash", TOOL["input"])
        assert log["at"].endswith("Z")


async def test_the_last_sentence_has_one_stop(operator: Mogplex, world: RowFactory) -> None:
    done = await operator("runs", "events", world.call(status="failed", error="no"), "--exit-status")
    # The service's own sentence, which ends with a full stop.
    assert "contact support with incident" in done.err
    assert done.err.endswith(".\n") and ".." not in done.err
