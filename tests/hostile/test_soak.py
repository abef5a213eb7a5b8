"""The short form of `make soak`: a fixed seed and two short rounds."""

from __future__ import annotations

from pathlib import Path

from tests.hostile import soak


def test_console_survives_random_input_and_faults(tmp_path: Path) -> None:
    running = soak.Soak(tmp_path, seed=7)
    try:
        running.run(seconds=120, rounds=2, bursts=2)
    except (soak.Violation, AssertionError, OSError) as error:
        raise AssertionError(soak.report(running, error)) from error
    finally:
        running.end()
    assert running.summary.bursts == 4
    assert running.summary.requests > 10
    assert running.summary.ledger is not None
