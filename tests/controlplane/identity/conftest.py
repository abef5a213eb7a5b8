"""People with accounts on the plane of a test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.identity.people import People
from tests.controlplane.row_factory import RowFactory


@pytest.fixture
async def people(server: PlaneServer, factory: RowFactory) -> AsyncIterator[People]:
    async with People(server, factory) as found:
        yield found
