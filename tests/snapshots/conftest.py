"""Pictures are taken of a screen that has heard its keys and come to rest."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.pilot.settled_pilot import use_settled_pilot
from tests.snapshots.screenshots import wait_until_settled


@pytest.fixture(autouse=True)
def settled_pilot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pilots wait for all messages, and draw consoles when they are idle."""
    use_settled_pilot(monkeypatch)


@pytest.fixture
def snap_compare(snap_compare: Callable[..., bool]) -> Callable[..., bool]:
    """The plugin's fixture, which takes the picture only when the screen has settled."""

    def compare(app: Any, *, terminal_size: tuple[int, int], press: Any = (), run_before: Any = None) -> bool:
        async def before(pilot: Pilot[Any]) -> None:
            if run_before is not None and inspect.isawaitable(done := run_before(pilot)):
                await done
            await pilot.press(*press)
            await wait_until_settled(pilot)

        return snap_compare(app, terminal_size=terminal_size, run_before=before)

    return compare
