"""The round over all sandboxes: what it ends, in which order, and what it leaves alone."""

from __future__ import annotations

from typing import Any

import pytest

from mogplex_tui.controlplane.db.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from mogplex_tui.controlplane.sandboxes import sandbox_writes
from mogplex_tui.controlplane.sandboxes.idle_reaper import reap
from tests.controlplane.support import NOON, World

IDLE = {"last_active_at": NOON - 30 * MINUTE_US, "created_at": NOON - HOUR_US}


def round_of(world: World) -> list[str]:
    """The actions of one round."""
    return [entry["action"] for entry in reap(world.plane, world.plane.ids, world.clock.us)]


@pytest.mark.parametrize(
    ("columns", "action", "state", "reason"),
    [
        ({"status": "creating", "sandbox_id": "pending"}, "stuck_boot", "stopped", "stuck_boot"),
        ({"status": "installing"}, "stuck_boot", "stopped", "stuck_boot"),
        ({"status": "running", "provider_view": "gone"}, "vm_gone", "stopped", "vm_gone"),
        ({"status": "pausing", "stop_reason": "auto_pause"}, "restored", "running", None),
    ],
)
def test_what_hangs_for_ten_minutes_is_ended(
    world: World, columns: dict[str, Any], action: str, state: str, reason: str | None
) -> None:
    at = NOON - 10 * MINUTE_US
    box = world.sandbox(world.repo(), created_at=at, last_active_at=at, last_boot_started_at=at, **columns)
    assert round_of(world) == [action]
    row = world.row("sandboxes", box)
    assert (row["status"], row["stop_reason"]) == (state, reason)


@pytest.mark.parametrize("state", ["creating", "installing", "pausing", "running", "paused"])
def test_what_is_young_is_left_alone(world: World, state: str) -> None:
    at = NOON - 10 * MINUTE_US + SECOND_US
    box = world.sandbox(world.repo(), status=state, created_at=at, last_active_at=at)
    assert round_of(world) == []
    assert world.row("sandboxes", box)["status"] == state


@pytest.mark.parametrize(
    ("persistent", "action", "state", "reason"),
    [(1, "paused", "paused", None), (0, "stopped", "stopped", "idle_timeout")],
)
def test_idling_takes_two_rounds(
    world: World, persistent: int, action: str, state: str, reason: str | None
) -> None:
    box = world.sandbox(world.repo(), persistent=persistent, **IDLE)
    assert round_of(world) == ["idle_warning"]
    assert world.row("sandboxes", box)["health_status"] == "idle_warning"
    assert round_of(world) == [action]
    row = world.row("sandboxes", box)
    assert (row["status"], row["stop_reason"]) == (state, reason)
    assert row["compute_seconds"] == 3600.0


def test_use_between_the_rounds_takes_the_warning_back(world: World) -> None:
    box = world.sandbox(world.repo(), **IDLE)
    assert round_of(world) == ["idle_warning"]
    with world.plane.db.transaction() as tx:
        sandbox_writes.set_sandbox(tx, box, last_active_at=world.clock.us)
    assert round_of(world) == ["recovered"]
    assert world.row("sandboxes", box)["health_status"] == "running"


def test_half_an_hour_less_a_second_is_no_idling(world: World) -> None:
    world.sandbox(world.repo(), **(IDLE | {"last_active_at": NOON - 30 * MINUTE_US + SECOND_US}))
    assert round_of(world) == []


@pytest.mark.parametrize("use", ["call", "lock", "tab"])
def test_what_is_busy_does_not_idle(world: World, use: str) -> None:
    box = world.sandbox(world.repo(), **IDLE)
    if use == "call":
        world.call(metadata={"sandbox_record_id": box}, status="streaming")
    with world.plane.db.transaction() as tx:
        if use == "lock":
            sandbox_writes.set_sandbox(tx, box, exec_lock_token="t", exec_lock_started_at=NOON)
        elif use == "tab":
            tx.insert(
                "sandbox_presence", sandbox_id=box, tab_id="t", session_id="s", attached=1, changed_at=NOON
            )
    assert round_of(world) == []
    assert world.row("sandboxes", box)["status"] == "running"


@pytest.mark.parametrize(
    ("persistent", "state", "reason"), [(1, "paused", None), (0, "stopped", "lifetime_timeout")]
)
def test_five_hours_are_enough_even_for_what_is_busy(
    world: World, persistent: int, state: str, reason: str | None
) -> None:
    columns = {"created_at": NOON - 5 * HOUR_US, "last_active_at": NOON}
    box = world.sandbox(world.repo(), persistent=persistent, **columns)
    world.call(metadata={"sandbox_record_id": box}, status="streaming")
    assert round_of(world) == [state]
    row = world.row("sandboxes", box)
    assert (row["status"], row["stop_reason"]) == (state, reason)


def test_a_machine_is_kept_paused_for_a_week(world: World) -> None:
    box = world.sandbox(world.repo(), status="paused", stopped_at=NOON - 7 * DAY_US + SECOND_US)
    assert round_of(world) == []
    world.clock.advance(1)
    assert round_of(world) == ["deleted"]
    row = world.row("sandboxes", box)
    assert (row["status"], row["stop_reason"], row["compute_seconds"]) == ("stopped", "lifetime_timeout", 0.0)
