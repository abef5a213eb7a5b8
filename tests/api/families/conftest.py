"""The plane that most of these tests ask."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.api.families.minimal_plane import MinimalPlane, minimal_plane


@pytest.fixture
async def lab() -> AsyncIterator[MinimalPlane]:
    async with minimal_plane() as running_lab:
        yield running_lab
