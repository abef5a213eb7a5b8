"""Fixtures: a plane in either profile, and commands with a token alone."""

from __future__ import annotations

import inspect
import zlib
from collections.abc import AsyncIterator

import pytest

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.case_share import share_of
from tests.cli.support import CommandRunner, SystemClock

PROFILES = ("documented", "hosted")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on a plane of each profile.

    One whose commands have both credentials, to which both profiles answer alike, takes one of them unless all cases
    are asked for; which one depends on its name.
    """
    chosen = any("profile" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if "profile" not in metafunc.fixturenames or chosen:
        return
    differs = {"profile", "token_only"} & inspect.signature(metafunc.function).parameters.keys()
    start = zlib.crc32(metafunc.function.__name__.encode()) % 2
    every_case = bool(differs) or metafunc.config.getoption("every_case")
    metafunc.parametrize("profile", share_of(PROFILES, every_case, step=2, start=start))


@pytest.fixture
async def plane(profile: str) -> AsyncIterator[PlaneServer]:
    settings = Settings(speed=0, seeded=False, rate_limit=None, profile=profile, fault_route=True)
    async with PlaneServer(settings, clock=SystemClock()) as running:
        yield running


@pytest.fixture
def token_only(mogplex: CommandRunner, plane: PlaneServer) -> CommandRunner:
    """The commands with a token alone.

    The hosted edge closes most unversioned routes to it.
    """
    mogplex.use(plane.base_url, token=plane.token)
    return mogplex
