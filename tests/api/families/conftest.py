"""The plane that most of these tests ask."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.api.families.lab import Lab, laboratory


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    async with laboratory() as running_lab:
        yield running_lab
