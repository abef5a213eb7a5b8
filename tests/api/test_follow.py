"""Followed streams of a faulty service end with a reason and close connections."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.event_stream import EventStream
from mogplex_tui.api.models.sandbox_events import (
    BootLog,
    CommandDone,
    CommandStarted,
    SandboxFound,
    SandboxReady,
)
from mogplex_tui.api.models.sandbox_requests import CommandDraft
from mogplex_tui.api.models.stream_events import (
    Output,
    StreamCancelled,
    StreamEnd,
    StreamEndKind,
    StreamFailed,
    UnknownEvent,
)
from mogplex_tui.api.resources.sandbox_work import COMMAND_EXTRA_WAIT, Execution
from mogplex_tui.api.route_access import Family, Reach
from tests.api.chunked_streams import HEAD, LAST, chunk, line, open_connections, streaming_handler
from tests.api.support import RUN_ID, Seen, http, put_forward, serving, until

RUN = {"type": "run", "cmdId": "cmd_1"}
LOG = {"type": "log", "stream": "stdout", "data": "hi\n"}
DONE = {"type": "done", "exitCode": 0, "cwd": "."}


def command(client: MogplexClient) -> Execution:
    return client.sandboxes.exec(RUN_ID, CommandDraft(command="true"))


async def kinds_of(stream: EventStream[Any]) -> list[type]:
    async with stream:
        return [type(event) async for event in stream]


async def test_stream_with_end_event_is_done() -> None:
    async with serving(streaming_handler(RUN, LOG, DONE)) as service, service.client() as client:
        async with command(client) as stream:
            assert stream.as_stream
            found = [event async for event in stream]
        assert [type(event) for event in found] == [CommandStarted, Output, CommandDone]
        assert stream.end == StreamEnd(StreamEndKind.DONE)
        assert (stream.command_id, stream.exit_code, stream.cwd) == ("cmd_1", 0, ".")
        assert service.seen[0].headers["accept"] == "text/event-stream"
        assert client.budget.used() == 1
        assert client.access.reach(Family.SANDBOX).reach is Reach.OPEN


@pytest.mark.parametrize(
    ("last", "kind"),
    [
        ({"type": "error", "data": "no shell"}, StreamEnd(StreamEndKind.FAILED, "no shell")),
        ({"type": "cancelled"}, StreamEnd(StreamEndKind.CANCELLED)),
        (
            {"type": "cancelled", "message": "lost the race"},
            StreamEnd(StreamEndKind.CANCELLED, "lost the race"),
        ),
    ],
)
async def test_reported_failure_or_cancel_ends_the_stream(last: Any, kind: StreamEnd) -> None:
    async with serving(streaming_handler(RUN, last)) as service, service.client() as client:
        stream = command(client)
        assert (await kinds_of(stream))[-1] in (StreamFailed, StreamCancelled)
        assert stream.end == kind


@pytest.mark.parametrize("last", [LAST, b"", b"5\r\nda"])
async def test_interrupted_stream_raises_and_is_cut(last: bytes) -> None:
    async with serving(streaming_handler(RUN, LOG, last=last)) as service, service.client() as client:
        stream = command(client)
        with pytest.raises(e.Unreachable) as caught:
            await kinds_of(stream)
        assert stream.end is not None and stream.end.kind is StreamEndKind.CUT
        assert "command in sandbox 8f3a2b1c" in str(caught.value)
        assert open_connections(client) == []


async def test_connection_lost_after_end_event_keeps_the_result() -> None:
    ready = {"type": "ready", "sandbox": {"id": RUN_ID}}
    late = {"type": "warning", "message": "late"}
    async with serving(streaming_handler(ready, late, last=b"")) as service, service.client() as client:
        stream = client.sandboxes.resume(RUN_ID)
        assert len(await kinds_of(stream)) == 2
        assert stream.end == StreamEnd(StreamEndKind.DONE)
        assert stream.record_id == RUN_ID


async def test_silent_stream_times_out_after_extra_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + chunk(line(RUN)))
        await asyncio.Event().wait()

    async with serving(silent) as service, service.client() as client:
        stream = command(client)
        read = asyncio.create_task(kinds_of(stream))
        await until(lambda: stream.command_id is not None)
        put_forward(monkeypatch, COMMAND_EXTRA_WAIT + 60)
        with pytest.raises(e.TimedOut):
            await asyncio.wait_for(read, 30)
        assert stream.end is not None and stream.end.kind is StreamEndKind.CUT
        assert open_connections(client) == []


async def test_leaving_the_block_closes_the_connection_at_once() -> None:
    gone = asyncio.Event()

    async def endless(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + chunk(line(RUN)))
        await writer.drain()
        try:
            while not writer.is_closing():
                writer.write(chunk(line(LOG)))
                await writer.drain()
                await asyncio.sleep(0)
        finally:
            gone.set()

    async with serving(endless) as service, service.client() as client:
        async with command(client) as stream:
            async for event in stream:
                if isinstance(event, Output):
                    break
            assert len(open_connections(client)) == 1
        assert open_connections(client) == []
        assert stream.end == StreamEnd(StreamEndKind.LEFT)
        async with asyncio.timeout(30):
            await gone.wait()
        assert [event async for event in stream] == []


async def quiet(seen: Seen, writer: asyncio.StreamWriter) -> None:
    """Begins to tell, and then says nothing more."""
    writer.write(HEAD + chunk(line(RUN)))
    await asyncio.Event().wait()


async def test_stop_ends_a_loop_that_waits_in_another_task() -> None:
    async with serving(quiet) as service, service.client() as client:
        stream = command(client)
        read = asyncio.create_task(kinds_of(stream))
        await until(lambda: stream.command_id is not None)
        stream.stop()
        assert await read == [CommandStarted]
        assert stream.end == StreamEnd(StreamEndKind.LEFT)
        assert open_connections(client) == []
        stream.stop()


async def test_stop_between_events_ends_iteration() -> None:
    async with serving(streaming_handler(RUN, LOG, DONE)) as service, service.client() as client:
        async with command(client) as stream:
            await anext(stream)
            stream.stop()
            assert [event async for event in stream] == []
        assert stream.end == StreamEnd(StreamEndKind.LEFT)
        assert open_connections(client) == []


async def test_a_cancelled_task_leaves_no_connection() -> None:
    async with serving(quiet) as service, service.client() as client:
        stream = command(client)
        read = asyncio.create_task(kinds_of(stream))
        await until(lambda: stream.command_id is not None)
        read.cancel()
        with pytest.raises(asyncio.CancelledError):
            await read
        assert stream.end == StreamEnd(StreamEndKind.LEFT)
        assert open_connections(client) == []


async def test_reader_error_closes_stream_and_propagates() -> None:
    async with serving(quiet) as service, service.client() as client:
        stream = command(client)
        with pytest.raises(ZeroDivisionError):
            async with stream:
                async for _ in stream:
                    _ = 1 / 0
        assert stream.end == StreamEnd(StreamEndKind.LEFT)
        assert open_connections(client) == []


async def test_abandoned_streams_do_not_exhaust_pool() -> None:
    async with serving(quiet) as service, service.client() as client:
        for _ in range(40):
            async with command(client) as stream:
                await anext(stream)
        assert open_connections(client) == []
        assert len(service.seen) == 40


async def test_stream_opens_once_before_reading() -> None:
    async with serving(streaming_handler(RUN, DONE)) as service, service.client() as client:
        stream = command(client)
        with pytest.raises(RuntimeError, match="async with"):
            await anext(stream)
        assert service.seen == []
        await kinds_of(stream)
        with pytest.raises(RuntimeError, match="only once"):
            await kinds_of(stream)


async def test_unreadable_event_is_unknown_event_and_stream_continues() -> None:
    odd: list[Any] = [
        b"{broken",
        [1, 2],
        {"type": 7},
        {"type": "from_the_future", "x": 1},
        {"type": "done", "exitCode": "many"},
        b"[" * 100_000,
        LOG | {"data": None},
    ]
    async with (
        serving(streaming_handler(*odd, DONE)) as service,
        service.client() as client,
        command(client) as stream,
    ):
        found = [event async for event in stream]
    strange = [event for event in found if isinstance(event, UnknownEvent)]
    assert len(strange) == 6 and all(event.reason for event in strange)
    assert strange[3].type == "from_the_future" and strange[3].raw == {"type": "from_the_future", "x": 1}
    assert strange[4].reason.startswith("exitCode") or strange[4].reason.startswith("exit_code")
    assert isinstance(found[-2], Output) and found[-2].data == ""
    assert stream.end == StreamEnd(StreamEndKind.DONE)


async def test_endless_event_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mogplex_tui.api.event_stream._MAX_EVENT_BYTES", 5_000)

    async def flood(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD)
        while not writer.is_closing():
            writer.write(chunk(b"x" * 4096))
            await writer.drain()

    async with serving(flood) as service, service.client() as client:
        stream = command(client)
        with pytest.raises(e.InvalidResponse, match="too long"):
            await kinds_of(stream)
        assert stream.end is not None and stream.end.kind is StreamEndKind.CUT
        assert open_connections(client) == []


async def test_comments_and_events_split_by_reads_are_no_trouble() -> None:
    text = b": ping\n\n" + line(RUN) + b"data: " + json.dumps(DONE).encode()[:10]
    rest = json.dumps(DONE).encode()[10:] + b"\r\n\r\n"

    async def in_pieces(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD)
        for index in range(len(text)):
            writer.write(chunk(text[index : index + 1]))
        writer.write(chunk(rest) + LAST)
        await writer.drain()

    async with serving(in_pieces) as service, service.client() as client:
        assert await kinds_of(command(client)) == [CommandStarted, CommandDone]


async def test_409_with_an_event_stream_is_read_as_a_stream() -> None:
    cancelled = {"type": "cancelled", "reason": "conflict", "message": "Sandbox resume was cancelled."}
    head = HEAD.replace(b"200 OK", b"409 Conflict")
    async with serving(streaming_handler(cancelled, head=head)) as service, service.client() as client:
        stream = client.sandboxes.resume(RUN_ID)
        assert await kinds_of(stream) == [StreamCancelled]
        assert stream.end == StreamEnd(StreamEndKind.CANCELLED, "Sandbox resume was cancelled.")
        with pytest.raises(e.Conflict):
            await kinds_of(command(client))
        assert open_connections(client) == []


async def test_json_success_yields_same_events() -> None:
    async with serving(http(200, {"sandbox": {"id": RUN_ID}})) as service, service.client() as client:
        boot = client.sandboxes.restart(RUN_ID)
        assert await kinds_of(boot) == [SandboxFound]
        assert not boot.as_stream and boot.end == StreamEnd(StreamEndKind.DONE)
        assert boot.sandbox is not None and boot.sandbox.status == "stopped"
    said = {"exitCode": 1, "stdout": "a", "stderr": "b", "cwd": "src"}
    async with serving(http(200, said)) as service, service.client() as client:
        run = command(client)
        assert await kinds_of(run) == [Output, Output, CommandDone]
        assert (run.exit_code, run.cwd, run.command_id) == (1, "src", None)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (http(200, {"sandbox": None}), e.InvalidResponse),
        (http(200, b"{cut"), e.InvalidResponse),
        (http(200, b"<html>", "text/html"), e.LoginRequired),
        (http(409, {"error": "Sandbox is pausing."}), e.Conflict),
        (http(429, {"error": "x", "code": "sandbox_boot_rate_limited"}, Retry_After="15"), e.Throttled),
        (http(307, b"", "", Location="/login?next=x"), e.LoginRequired),
        (http(502, {"error": "could not be woken"}), e.Unavailable),
    ],
)
async def test_refusal_raises_on_stream_open(answer: bytes, kind: type[e.MogplexError]) -> None:
    async with serving(answer) as service, service.client() as client:
        boot = client.sandboxes.resume(RUN_ID)
        with pytest.raises(kind):
            await kinds_of(boot)
        assert all(connection.is_idle() for connection in open_connections(client))


async def test_missing_model_credential_is_not_a_token_error() -> None:
    async with serving(http(401, {"error": "No AI credentials"})) as service, service.client() as client:
        with pytest.raises(e.Conflict, match="AI provider key"):
            await kinds_of(command(client))
        assert [seen.method for seen in service.seen] == ["POST"]


async def test_event_with_unreadable_record_is_kept() -> None:
    events = [{"type": "log", "phase": "install", "data": "x"}, {"type": "ready", "sandbox": {"id": 5}}]
    async with serving(streaming_handler(*events)) as service, service.client() as client:
        boot = client.sandboxes.resume(RUN_ID)
        assert await kinds_of(boot) == [BootLog, SandboxReady]
        assert boot.sandbox is None and boot.end == StreamEnd(StreamEndKind.DONE)
