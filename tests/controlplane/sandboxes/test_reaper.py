"""The reaper of sandboxes: which ones it ends, in which order, and which it keeps."""

from __future__ import annotations

from typing import Any

import pytest

from mogplex_tui.controlplane.db.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from mogplex_tui.controlplane.sandboxes import sandbox_writes
from mogplex_tui.controlplane.sandboxes.idle_reaper import reap
from tests.controlplane.manual_clock import NOON
from tests.controlplane.row_factory import RowFactory

IDLE = {"last_active_at": NOON - 30 * MINUTE_US, "created_at": NOON - HOUR_US}


def round_of(factory: RowFactory) -> list[str]:
    """Run the sandbox reaper once and return the names of its actions."""
    return [entry["action"] for entry in reap(factory.plane, factory.plane.ids, factory.clock.us)]


@pytest.mark.parametrize(
    ("columns", "action", "state", "reason"),
    [
        ({"status": "creating", "sandbox_id": "pending"}, "stuck_boot", "stopped", "stuck_boot"),
        ({"status": "installing"}, "stuck_boot", "stopped", "stuck_boot"),
        ({"status": "running", "provider_view": "gone"}, "vm_gone", "stopped", "vm_gone"),
        ({"status": "pausing", "stop_reason": "auto_pause"}, "restored", "running", None),
    ],
)
def test_sandboxes_that_hang_for_ten_minutes_are_stopped(
    factory: RowFactory, columns: dict[str, Any], action: str, state: str, reason: str | None
) -> None:
    at = NOON - 10 * MINUTE_US
    box = factory.sandbox(
        factory.repo(), created_at=at, last_active_at=at, last_boot_started_at=at, **columns
    )
    assert round_of(factory) == [action]
    row = factory.row("sandboxes", box)
    assert (row["status"], row["stop_reason"]) == (state, reason)


@pytest.mark.parametrize("state", ["creating", "installing", "pausing", "running", "paused"])
def test_reaper_keeps_recent_sandboxes(factory: RowFactory, state: str) -> None:
    at = NOON - 10 * MINUTE_US + SECOND_US
    box = factory.sandbox(factory.repo(), status=state, created_at=at, last_active_at=at)
    assert round_of(factory) == []
    assert factory.row("sandboxes", box)["status"] == state


@pytest.mark.parametrize(
    ("persistent", "action", "state", "reason"),
    [(1, "paused", "paused", None), (0, "stopped", "stopped", "idle_timeout")],
)
def test_idling_takes_two_rounds(
    factory: RowFactory, persistent: int, action: str, state: str, reason: str | None
) -> None:
    box = factory.sandbox(factory.repo(), persistent=persistent, **IDLE)
    assert round_of(factory) == ["idle_warning"]
    assert factory.row("sandboxes", box)["health_status"] == "idle_warning"
    assert round_of(factory) == [action]
    row = factory.row("sandboxes", box)
    assert (row["status"], row["stop_reason"]) == (state, reason)
    assert row["compute_seconds"] == 3600.0


def test_use_between_reaper_rounds_clears_warning(factory: RowFactory) -> None:
    box = factory.sandbox(factory.repo(), **IDLE)
    assert round_of(factory) == ["idle_warning"]
    with factory.plane.db.transaction() as tx:
        sandbox_writes.set_sandbox(tx, box, last_active_at=factory.clock.us)
    assert round_of(factory) == ["recovered"]
    assert factory.row("sandboxes", box)["health_status"] == "running"


def test_sandbox_is_not_idle_before_thirty_minutes(factory: RowFactory) -> None:
    factory.sandbox(factory.repo(), **(IDLE | {"last_active_at": NOON - 30 * MINUTE_US + SECOND_US}))
    assert round_of(factory) == []


@pytest.mark.parametrize("use", ["call", "lock", "tab"])
def test_busy_sandbox_is_not_idle(factory: RowFactory, use: str) -> None:
    box = factory.sandbox(factory.repo(), **IDLE)
    if use == "call":
        factory.call(metadata={"sandbox_record_id": box}, status="streaming")
    with factory.plane.db.transaction() as tx:
        if use == "lock":
            sandbox_writes.set_sandbox(tx, box, exec_lock_token="t", exec_lock_started_at=NOON)
        elif use == "tab":
            tx.insert(
                "sandbox_presence", sandbox_id=box, tab_id="t", session_id="s", attached=1, changed_at=NOON
            )
    assert round_of(factory) == []
    assert factory.row("sandboxes", box)["status"] == "running"


@pytest.mark.parametrize(
    ("persistent", "state", "reason"), [(1, "paused", None), (0, "stopped", "lifetime_timeout")]
)
def test_busy_sandbox_stops_after_five_hours(
    factory: RowFactory, persistent: int, state: str, reason: str | None
) -> None:
    columns = {"created_at": NOON - 5 * HOUR_US, "last_active_at": NOON}
    box = factory.sandbox(factory.repo(), persistent=persistent, **columns)
    factory.call(metadata={"sandbox_record_id": box}, status="streaming")
    assert round_of(factory) == [state]
    row = factory.row("sandboxes", box)
    assert (row["status"], row["stop_reason"]) == (state, reason)


def test_a_machine_is_kept_paused_for_a_week(factory: RowFactory) -> None:
    box = factory.sandbox(factory.repo(), status="paused", stopped_at=NOON - 7 * DAY_US + SECOND_US)
    assert round_of(factory) == []
    factory.clock.advance(1)
    assert round_of(factory) == ["deleted"]
    row = factory.row("sandboxes", box)
    assert (row["status"], row["stop_reason"], row["compute_seconds"]) == ("stopped", "lifetime_timeout", 0.0)
