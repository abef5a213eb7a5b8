"""Faults of the realtime stream: silence, repeats, swapped changes and early ends."""

from __future__ import annotations

import httpx
import pytest

from mogplex_tui.controlplane.db.change_hub import Frame
from mogplex_tui.controlplane.faults.control_route import PATH
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.faults.conftest import Switch
from tests.controlplane.realtime_reader import RealtimeReader

EVENTS = "/api/realtime/events?tables=ai_calls,repos,end_of_test"


def change(server: PlaneServer, *tables: str) -> None:
    server.plane.hub.publish([Frame(table, "UPDATE", None, "x") for table in tables])


async def test_silent_stream_sends_nothing_until_the_fault_is_removed(
    server: PlaneServer, client: httpx.AsyncClient, anonymous: httpx.AsyncClient, fault: Switch
) -> None:
    await fault("GET /api/realtime/events silent")
    async with client.stream("GET", EVENTS) as response:
        stream = RealtimeReader(response, server.plane)
        assert await stream.line() == ": connected"
        change(server, "ai_calls")
        # The answers to other requests show that the loop has been round: the change is swallowed by now.
        await anonymous.get(PATH)
        await anonymous.delete(PATH)
        change(server, "repos")
        assert await stream.frames() == [("repos", "UPDATE")]


async def test_fault_silences_open_stream(
    server: PlaneServer, client: httpx.AsyncClient, anonymous: httpx.AsyncClient, fault: Switch
) -> None:
    async with client.stream("GET", EVENTS) as response:
        stream = RealtimeReader(response, server.plane)
        assert await stream.line() == ": connected"
        change(server, "repos")
        assert await stream.line() == 'data: {"table":"repos","op":"UPDATE"}'
        await fault("GET /api/realtime/events silent")
        change(server, "ai_calls")
        # The answer to another request shows that the loop has been round and the change was swallowed.
        await anonymous.get(PATH)
        await anonymous.delete(PATH)
        change(server, "repos")
        assert await stream.frames() == [("repos", "UPDATE")]


async def test_a_stream_can_go_silent_after_some_changes(
    server: PlaneServer, client: httpx.AsyncClient, fault: Switch
) -> None:
    await fault("GET /api/realtime/events silent:1 x1")
    async with client.stream("GET", EVENTS) as response, client.stream("GET", EVENTS) as recorder:
        stream, other = RealtimeReader(response, server.plane), RealtimeReader(recorder, server.plane)
        assert await stream.line() == await other.line() == ": connected"
        change(server, "repos", "ai_calls", "repos")
        assert await stream.line() == 'data: {"table":"repos","op":"UPDATE"}'
        assert len(await other.frames()) == 3
        server.plane.hub.close()
        with pytest.raises(AssertionError, match="the stream ended"):
            await stream.line()


async def test_changes_come_twice_and_swapped(
    server: PlaneServer, client: httpx.AsyncClient, fault: Switch
) -> None:
    await fault("GET /api/realtime/events reordered", "GET /api/realtime/events duplicated")
    async with client.stream("GET", EVENTS) as response:
        stream = RealtimeReader(response, server.plane)
        assert await stream.line() == ": connected"
        change(server, "repos", "ai_calls")
        lines = [await stream.line() for _ in range(4)]
        assert [line.split('"')[3] for line in lines] == ["ai_calls", "ai_calls", "repos", "repos"]


async def test_event_stream_gets_unknown_values_and_fields(
    server: PlaneServer, client: httpx.AsyncClient, fault: Switch
) -> None:
    await fault("GET /api/realtime/events unknown-values", "GET /api/realtime/events unknown-fields")
    async with client.stream("GET", EVENTS) as response:
        stream = RealtimeReader(response, server.plane)
        assert await stream.line() == ": connected"
        change(server, "repos")
        line = await stream.line()
        assert '"op":"from_the_future"' in line and '"added_later":' in line


async def test_a_stream_is_dropped_after_its_first_change(
    server: PlaneServer, client: httpx.AsyncClient, fault: Switch
) -> None:
    await fault("GET /api/realtime/events drop")
    async with client.stream("GET", EVENTS) as response:
        stream = RealtimeReader(response, server.plane)
        assert await stream.line() == ": connected"
        change(server, "repos")
        assert await stream.line() == 'data: {"table":"repos","op":"UPDATE"}'
        with pytest.raises(httpx.RemoteProtocolError):
            await stream.line()
    assert (await client.get("/api/auth/user")).status_code == 200
    assert server.plane.hub.listeners == 0
