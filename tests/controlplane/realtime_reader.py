"""Read the changes that a realtime stream announces."""

from __future__ import annotations

import asyncio
import json

import httpx

from mogplex_tui.controlplane.core.plane import Plane
from mogplex_tui.controlplane.db.change_hub import Frame


class RealtimeReader:
    """Reads an open realtime stream line by line."""

    def __init__(self, response: httpx.Response, plane: Plane) -> None:
        self._lines = response.aiter_lines()
        self._plane = plane

    async def line(self) -> str:
        """Return the next line that is not blank; fails after 30 seconds."""
        async with asyncio.timeout(30):
            async for line in self._lines:
                if line:
                    return line
        raise AssertionError("the stream ended")

    async def frames(self) -> list[tuple[str, str]]:
        """Return every change so far as (table, op).

        A frame of a table that does not exist is published to mark the end.
        """
        self._plane.hub.publish([Frame("end_of_test", "INSERT", None, "x")])
        found = list[tuple[str, str]]()
        while True:
            line = await self.line()
            assert line.startswith("data: "), line
            change = json.loads(line[len("data: ") :])
            assert set(change) == {"table", "op"}
            if change["table"] == "end_of_test":
                return found
            found.append((change["table"], change["op"]))
