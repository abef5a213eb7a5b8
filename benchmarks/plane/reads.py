"""Measure eight clients that read one run, against a bare route."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import statistics
import tempfile
from pathlib import Path

from ..figures import milliseconds, say
from ..process_usage import cpu_seconds
from .load_clients import Load, get, load
from .planes import Started, plane, process

CLIENTS, ROUNDS, SECONDS = 8, 9, 1.0
NAMES = ("bare route", "plane")


def run() -> None:
    """Print the figures."""
    say(f"plane_reads: one run with {CLIENTS} clients, a token, {ROUNDS} rounds of {SECONDS:.0f} s in turn")
    with tempfile.TemporaryDirectory() as scratch, plane() as ours:
        copy = f"{scratch}/copy.db"
        # A second connection to the plane's own file would keep its write-ahead log from being folded in.
        with (
            contextlib.closing(sqlite3.connect(ours.said["db"])) as its,
            contextlib.closing(sqlite3.connect(copy)) as mine,
        ):
            its.backup(mine)
            (run_id,) = mine.execute("SELECT id FROM external_agent_runs LIMIT 1").fetchone()
        assert Path(copy).exists()
        with process("benchmarks.plane.floor", copy) as floor:
            _report(
                _measure(
                    {NAMES[0]: (floor, f"/runs/{run_id}"), NAMES[1]: (ours, f"/api/v1/mogplex/runs/{run_id}")}
                )
            )


def _measure(asked: dict[str, tuple[Started, str]]) -> dict[str, list[tuple[Load, float]]]:
    """Return the loads of each round with the processor seconds of the server."""
    found: dict[str, list[tuple[Load, float]]] = {name: [] for name in asked}
    # The first round warms both up.
    for number in range(ROUNDS + 1):
        for name, (server, path) in asked.items():
            base = server.said["base_url"]
            bearer = f"authorization: Bearer {server.said.get('token', 'none')}\r\n"
            before = cpu_seconds(server.pid)
            done = asyncio.run(load(base, [get(base + path, bearer)], CLIENTS, SECONDS))
            assert done.statuses == {200}, done.statuses
            if number:
                found[name].append((done, cpu_seconds(server.pid) - before))
    return found


def _report(found: dict[str, list[tuple[Load, float]]]) -> None:
    costs = {}
    for name, rounds in found.items():
        rate = statistics.median(done.rate for done, _ in rounds)
        costs[name] = sum(spent for _, spent in rounds) / sum(len(done.times) for done, _ in rounds)
        times = [took for done, _ in rounds for took in done.times]
        say(
            f"    {name:12} {rate:6.0f} requests/s   {milliseconds(times)}   {costs[name] * 1e6:4.0f} µs of processor"
        )
    floor, ours = (found[name] for name in NAMES)
    shares = [mine.rate / its.rate for (mine, _), (its, _) in zip(ours, floor, strict=True)]
    spread = f"{min(shares):.2f} to {max(shares):.2f}"
    by_cost = costs[NAMES[0]] / costs[NAMES[1]]
    say(
        f"    ratio        {statistics.median(shares):.2f} of the floor's rate ({spread}),"
        f" {by_cost:.2f} by processor time   (at least 0.60)"
    )
