"""A factory of project rows, and a client of another account."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.projects.project_rows import ProjectRows
from tests.controlplane.row_factory import RowFactory


@pytest.fixture
def projects(factory: RowFactory) -> ProjectRows:
    return ProjectRows(factory)


@pytest.fixture
async def stranger(
    server: PlaneServer, projects: ProjectRows, factory: RowFactory
) -> AsyncIterator[httpx.AsyncClient]:
    async with projects.client(server.base_url, factory.profile("stranger")) as opened:
        yield opened
