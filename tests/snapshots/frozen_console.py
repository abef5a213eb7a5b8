"""A console with rows set by a test and a clock that does not move."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.connection_state import ConnectionMonitor
from mogplex_tui.api.route_access import Family
from mogplex_tui.api.target import Target
from mogplex_tui.app import ConsoleApp
from mogplex_tui.config.secret import Secret
from mogplex_tui.config.settings import load
from mogplex_tui.live.realtime import RealtimeState
from mogplex_tui.live.session import NotAttached

NOW = datetime(2026, 11, 24, 14, 5, 21, tzinfo=UTC)

SIZES = [(80, 24), (120, 40), (200, 50)]


def size_id(size: tuple[int, int]) -> str:
    """Return the name of a terminal size in test ids and snapshot files."""
    columns, rows = size
    return f"{columns}x{rows}"


class FrozenClock:
    def monotonic(self) -> float:
        return 1000.0

    def now(self) -> datetime:
        return NOW


class FrozenConsole(ConsoleApp):
    """A console that shows rows set by a test; it never connects or changes."""

    def _begin(self) -> None:
        """Read nothing."""


class ConnectedClient:
    """The part of a client that the header reads."""

    def __init__(self, clock: Any) -> None:
        self.connection = ConnectionMonitor(clock)
        self.connection.learn(None)

    def at(self, _: Priority) -> Any:
        raise NotAttached("Nothing is connected")

    async def aclose(self) -> None:
        """Nothing is open."""


def frozen_console(*, cookie: str | None = "a=b", **arguments: Any) -> FrozenConsole:
    settings = load({"reduced_motion": True, **arguments}, environ={}, path=Path("/nonexistent/config.toml"))
    target = Target("prod", "https://mogplex.example", Secret("mog_x"), Secret(cookie) if cookie else None)
    app = FrozenConsole(settings, target=target, context="prod", clock=FrozenClock())
    session = app.session
    session.account = "ada@acme.dev"
    session._client = ConnectedClient(session.clock)  # type: ignore[assignment]
    session.realtime.state = RealtimeState.OPEN
    for family in (Family.V1, Family.OBSERVABILITY):
        session.access.learn(family)
    return app
