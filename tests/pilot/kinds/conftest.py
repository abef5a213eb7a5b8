"""One seeded database for all tests of the kinds; each plane gets a copy of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.database_setup import prepare


@pytest.fixture(scope="session")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a small seeded plane that nothing has happened to."""
    path = tmp_path_factory.mktemp("seed") / "plane.db"
    plane = prepare(Settings(speed=0, seeded=True), path, None, None)
    plane.db.close()
    return path
