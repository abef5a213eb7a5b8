"""The plane that most of these tests ask."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.api.families.minimal_plane import MinimalPlane, run_minimal_plane


@pytest.fixture
async def minimal_plane() -> AsyncIterator[MinimalPlane]:
    async with run_minimal_plane() as minimal_plane:
        yield minimal_plane
