"""The count of a token's requests that programs on one machine share."""

from __future__ import annotations

from pathlib import Path

import pytest

from mogplex_tui.api.budget import Blocked, Budget, Priority, RequestOutcome, Slot
from mogplex_tui.config.file_locks import locked
from mogplex_tui.live.shared_requests import SharedRequests, path_for
from tests.unit.fakes import FakeClock


class Program:
    """A program with its own clock and budget that shares a file with others."""

    def __init__(self, path: Path, started: float) -> None:
        self.clock = FakeClock()
        self.clock.seconds += started
        self.budget = Budget(self.clock)
        self.shared = SharedRequests(path, self.clock)
        self.budget.share(self.shared)

    def send(self, count: int, outcome: RequestOutcome = RequestOutcome.COUNTED) -> None:
        for _ in range(count):
            slot = self.budget.acquire(Priority.ACTION)
            assert isinstance(slot, Slot)
            self.budget.record_outcome(slot, outcome)


def both(path: Path) -> tuple[Program, Program]:
    # Monotonic clocks of two programs have nothing in common.
    return Program(path, 0.0), Program(path, 5000.0)


def advance(programs: tuple[Program, Program], seconds: float) -> None:
    for program in programs:
        program.clock.advance(seconds)


def test_requests_of_other_programs_count(tmp_path: Path) -> None:
    console, command = programs = both(tmp_path / "t.json")
    console.send(30)
    command.send(20)
    command.send(5, RequestOutcome.NOT_COUNTED)
    advance(programs, 1.0)
    assert (console.budget.used(), command.budget.used()) == (50, 50)
    assert (console.budget.used_by_others(), command.budget.used_by_others()) == (20, 30)
    blocked = command.budget.acquire(Priority.TAIL)
    assert isinstance(blocked, Blocked)
    assert blocked.until == pytest.approx(command.clock.monotonic() + 59, abs=3)
    # A cancel is sent all the same.
    assert isinstance(command.budget.acquire(Priority.ACTION), Slot)
    advance(programs, 63.0)
    # The last request is still in flight.
    assert (console.budget.used(), command.budget.used()) == (0, 1)


@pytest.mark.parametrize("content", ["", "[1]", "\x00", '{"other": "soon", "far": 9e99}'])
def test_damaged_file_is_replaced(tmp_path: Path, content: str) -> None:
    path = tmp_path / "t.json"
    path.write_text(content)
    console, command = programs = both(path)
    assert console.budget.used() == 0
    console.send(1)
    advance(programs, 1.0)
    assert command.budget.used() == 1


def test_file_that_cannot_be_used_leaves_the_own_count(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    program = Program(tmp_path / "file" / "t.json", 0.0)
    program.send(3)
    assert program.budget.used() == 3


def test_locked_file_delays_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    program = Program(path, 0.0)
    with locked(path.with_suffix(".lock")):
        program.send(1)
    assert program.budget.used() == 1


def test_file_name_does_not_reveal_the_token(tmp_path: Path) -> None:
    one, other = (path_for(tmp_path / context, "mog_secret") for context in ("prod", "test"))
    assert one == other
    assert "secret" not in str(one)
    assert one != path_for(tmp_path / "prod", "mog_other")
