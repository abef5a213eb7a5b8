"""The short form of `make soak`: a fixed seed and a short round, or two of them."""

from __future__ import annotations

from pathlib import Path

from tests.hostile import soak


def test_console_survives_random_input_and_faults(tmp_path: Path, every_case: bool) -> None:
    rounds = 2 if every_case else 1
    running = soak.Soak(tmp_path, seed=7)
    try:
        running.run(seconds=120, rounds=rounds, bursts=2)
    except (soak.Violation, AssertionError, OSError) as error:
        raise AssertionError(soak.report(running, error)) from error
    finally:
        running.end()
    assert running.summary.bursts == 2 * rounds
    assert running.summary.requests > 10
    assert running.summary.ledger is not None
