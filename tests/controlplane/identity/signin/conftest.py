"""A browser with a session."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from mogplex_tui.controlplane.server import PlaneServer


@pytest.fixture
async def browser(server: PlaneServer) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Cookie": server.session_cookie}
    async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as opened:
        yield opened
