"""Fixtures: an embedded plane with the test's own rows, and commands that use it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator

import pytest

from mogplex_tui.cli import command_session, event_follow
from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.operate import executor, run_changes
from tests.cli.credential_sets import Credentials, UseCredentials
from tests.cli.support import CommandRunner, SystemClock
from tests.controlplane.row_factory import RowFactory
from tests.pilot.hosted import HostedEdge


@pytest.fixture(autouse=True)
def _no_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(_: float, __: asyncio.Event | None = None) -> None:
        return None

    monkeypatch.setattr(command_session, "pause", at_once)
    monkeypatch.setattr(executor, "pause", at_once)
    monkeypatch.setattr(executor, "READ_BACK_DELAYS", (0.0,) * len(executor.READ_BACK_DELAYS))
    monkeypatch.setattr(event_follow, "SETTLE", 0.05)
    monkeypatch.setattr(run_changes, "READ_BACK_DELAYS", (0.0, 0.0))


@pytest.fixture(autouse=True)
def _restore_loggers() -> Iterator[None]:
    """Restore the loggers: a command sends the process's log to a file."""
    loggers = [logging.getLogger(name) for name in ("mogplex", "mogplex.http", "asyncio")]
    before = [(each.level, each.propagate, list(each.handlers)) for each in loggers]
    yield
    for logger, (level, propagate, handlers) in zip(loggers, before, strict=True):
        for handler in set(logger.handlers) - set(handlers):
            logger.removeHandler(handler)
            handler.close()
        logger.setLevel(level)
        logger.propagate = propagate


@pytest.fixture
async def plane() -> AsyncIterator[PlaneServer]:
    async with PlaneServer(
        Settings(speed=0, seeded=False, rate_limit=None, fault_route=True), clock=SystemClock()
    ) as running:
        yield running


@pytest.fixture
def factory(plane: PlaneServer) -> RowFactory:
    return RowFactory(plane.plane, plane.plane.clock)  # type: ignore[arg-type]


@pytest.fixture
def mogplex(monkeypatch: pytest.MonkeyPatch) -> CommandRunner:
    return CommandRunner(monkeypatch)


@pytest.fixture
def operator(mogplex: CommandRunner, plane: PlaneServer) -> CommandRunner:
    """The commands with both credentials of the plane."""
    mogplex.use(plane.base_url, token=plane.token, cookie=plane.session_cookie)
    return mogplex


@pytest.fixture
async def use_credentials(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory
) -> AsyncIterator[UseCredentials]:
    """Return a function that gives the commands one of the sets of credentials."""
    async with HostedEdge(plane.plane) as edge:

        def use(given: Credentials) -> CommandRunner:
            mogplex.use(
                edge.base_url if given.hosted else plane.base_url,
                token=factory.token(scopes=given.scopes) if given.token else None,
                cookie=plane.session_cookie if given.cookie else None,
            )
            return mogplex

        yield use
