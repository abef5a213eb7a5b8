from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mogplex_tui.api.budget import Blocked, Budget, Priority, RequestOutcome, Slot
from tests.api.support import FakeClock


def spend(budget: Budget, count: int, priority: Priority = Priority.ACTION) -> list[Slot]:
    slots = []
    for _ in range(count):
        slot = budget.acquire(priority)
        assert isinstance(slot, Slot)
        budget.record_outcome(slot, RequestOutcome.COUNTED)
        slots.append(slot)
    return slots


@pytest.mark.parametrize(
    ("priority", "stops_at"),
    [(Priority.TAIL, 50), (Priority.TABLE, 45), (Priority.BACKGROUND, 30)],
)
def test_each_priority_has_its_own_limit(priority: Priority, stops_at: int) -> None:
    clock = FakeClock()
    budget = Budget(clock)
    spend(budget, stops_at - 1)
    assert isinstance(budget.acquire(priority), Slot)
    assert budget.acquire(priority) == Blocked(clock.seconds + 60)


def test_action_is_granted_beyond_the_limit() -> None:
    budget = Budget(FakeClock())
    spend(budget, 60)
    assert isinstance(budget.acquire(Priority.ACTION), Slot)
    assert budget.used() == 61


def test_blocked_request_is_granted_at_the_named_time() -> None:
    clock = FakeClock()
    budget = Budget(clock)
    for _ in range(50):
        spend(budget, 1)
        clock.advance(1)
    blocked = budget.acquire(Priority.TAIL)
    assert isinstance(blocked, Blocked)
    clock.seconds = blocked.until - 0.01
    assert isinstance(budget.acquire(Priority.TAIL), Blocked)
    clock.seconds = blocked.until
    assert isinstance(budget.acquire(Priority.TAIL), Slot)


def test_slot_exactly_one_window_old_is_free() -> None:
    clock = FakeClock()
    budget = Budget(clock)
    spend(budget, 1)
    clock.advance(59.999)
    assert budget.used() == 1
    clock.advance(0.001)
    assert budget.used() == 0


def test_uncounted_request_releases_its_slot() -> None:
    budget = Budget(FakeClock())
    slot = budget.acquire(Priority.TABLE)
    assert isinstance(slot, Slot)
    assert budget.used() == 1
    budget.record_outcome(slot, RequestOutcome.NOT_COUNTED)
    budget.record_outcome(slot, RequestOutcome.COUNTED)
    assert budget.used() == 0


def test_counted_slot_is_held_for_one_window_after_the_response() -> None:
    clock = FakeClock()
    budget = Budget(clock)
    slot = budget.acquire(Priority.TABLE)
    assert isinstance(slot, Slot)
    clock.advance(30)
    budget.record_outcome(slot, RequestOutcome.COUNTED)
    clock.advance(45)
    assert budget.used() == 1
    assert budget.next_free_in() == pytest.approx(15)


def test_next_free_is_oldest_slot_or_zero() -> None:
    clock = FakeClock()
    budget = Budget(clock)
    assert budget.next_free_in() == 0
    spend(budget, 1)
    clock.advance(20)
    spend(budget, 1)
    assert budget.next_free_in() == pytest.approx(40)


@pytest.mark.parametrize(("retry_after", "wait"), [(12.0, 12), (None, 60), (0.0, 60), (86_400.0, 60)])
def test_429_blocks_all_priorities_except_actions(retry_after: float | None, wait: float) -> None:
    clock = FakeClock()
    budget = Budget(clock)
    budget.hold_back(retry_after)
    for priority in (Priority.TAIL, Priority.TABLE, Priority.BACKGROUND):
        assert budget.acquire(priority) == Blocked(clock.seconds + wait)
    assert budget.blocked_until == clock.seconds + wait
    assert isinstance(budget.acquire(Priority.ACTION), Slot)
    clock.advance(wait)
    assert budget.blocked_until is None
    assert isinstance(budget.acquire(Priority.BACKGROUND), Slot)


def test_observers_receive_budget_events_until_removed() -> None:
    budget = Budget(FakeClock())
    heard: list[int] = []

    def broken() -> None:
        raise RuntimeError("an observer's own trouble")

    budget.subscribe(broken)
    leave = budget.subscribe(lambda: heard.append(budget.used()))
    slot = budget.acquire(Priority.TABLE)
    assert isinstance(slot, Slot)
    budget.record_outcome(slot, RequestOutcome.NOT_COUNTED)
    budget.hold_back(5)
    assert heard == [1, 0, 0]
    leave()
    budget.acquire(Priority.ACTION)
    assert heard == [1, 0, 0]


def test_reserve_without_remaining_slots_is_refused() -> None:
    with pytest.raises(ValueError, match="reserve"):
        Budget(FakeClock(), limit=20, reserve=10)


moves = st.lists(
    st.tuples(
        st.floats(0, 20),  # time passes
        st.sampled_from([Priority.TAIL, Priority.TABLE, Priority.BACKGROUND]),
        st.floats(0, 5),  # the answer takes so long
        st.floats(0, 1),  # when in between the service counted it
        st.booleans(),  # whether it counted it
    ),
    min_size=30,
    max_size=120,
)


@settings(max_examples=50, deadline=None)
@given(moves, st.integers(5, 20))
def test_service_count_never_exceeds_window_limit(
    plan: list[tuple[float, Priority, float, float, bool]], limit: int
) -> None:
    clock = FakeClock()
    budget = Budget(clock, limit=limit, reserve=2)
    arrivals: list[float] = []
    running: list[tuple[float, Slot, bool]] = []
    for pause, priority, takes, part, counted in plan:
        target = clock.seconds + pause / 10
        for ends, slot, was_counted in sorted(running, key=lambda item: item[0]):
            if ends <= target:
                clock.seconds = max(clock.seconds, ends)
                budget.record_outcome(
                    slot, RequestOutcome.COUNTED if was_counted else RequestOutcome.NOT_COUNTED
                )
                running.remove((ends, slot, was_counted))
        clock.seconds = target
        granted = budget.acquire(priority)
        if isinstance(granted, Blocked):
            assert granted.until > clock.seconds
            continue
        assert budget.used() <= budget.limit_for(priority)
        running.append((clock.seconds + takes, granted, counted))
        if counted:
            arrivals.append(clock.seconds + takes * part)
    for start in arrivals:
        in_window = [at for at in arrivals if start <= at < start + 60]
        assert len(in_window) <= limit - 2


def test_unexplained_429_slows_reads_for_some_minutes() -> None:
    clock = FakeClock()
    budget = Budget(clock)
    spend(budget, 60)
    budget.hold_back(5)
    assert budget.slowdown == 1
    clock.advance(61)
    for expected in (2, 4, 4):
        budget.hold_back(5)
        budget.hold_back(5)
        assert budget.slowdown == expected
        clock.advance(6)
    clock.advance(300)
    assert budget.slowdown == 1
