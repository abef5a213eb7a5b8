"""Measure cost reports over 100,000 calls on disk, beside one bare sum of them."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from mogplex_tui.live.call_history import FILE_NAME, CallHistory
from mogplex_tui.live.call_spans import EPOCH, CoveredSpan
from mogplex_tui.live.run_row import Cost, RunRow, RunSource
from mogplex_tui.operate.cost_report import CostQuestion, parse_question, read_report

from .figures import milliseconds, ratio, say

CALLS, DAYS, BATCH, ROUNDS = 100_000, 30, 5_000, 12
NOW = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
QUESTIONS = ("model 30d", "sandbox 30d", "model repo 30d", "automation 24h")


def run() -> None:
    """Print the figures."""
    say(f"costs: reports over {CALLS:,} calls of {DAYS} days on disk")
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(_measure(Path(directory)))


def _rows() -> list[RunRow]:
    rng, rows = random.Random(7), []
    for number in range(CALLS):
        repo = f"acme/repo-{rng.randrange(40)}"
        is_priced = rng.random() > 0.15
        rows.append(
            RunRow(
                f"{number:08x}-0000-4000-8000-000000000000", RunSource.CALL, rng.choice(["success"] * 5 + ["failed"]),
                kind=rng.choice(["agent", "chat", "pr_review"]), model=f"acme/model-{rng.randrange(25)}", repo=repo,
                who=f"agent-{rng.randrange(30)}", flow_id=f"flow-{rng.randrange(60)}", user_id="ada",
                sandbox_id=f"sandbox-{rng.randrange(2_000)}", pull_number=rng.randrange(300) or None,
                started_at=NOW - timedelta(days=DAYS) * (number + 1) / (CALLS + 1), tokens=rng.randrange(90_000),
                input_tokens=rng.randrange(9_000), cached_tokens=rng.randrange(60_000),
                cost=Decimal(rng.randrange(10**8)) / 10**8 if is_priced else None,
                cost_source=Cost.ESTIMATED if is_priced else Cost.UNKNOWN,
            )
        )  # fmt: skip
    return rows


async def _measure(directory: Path) -> None:
    history, rows = CallHistory(directory), _rows()
    begun = time.perf_counter()
    for start in range(0, CALLS, BATCH):
        history.put(rows[start : start + BATCH])
    history.cover(CoveredSpan(EPOCH, NOW, NOW))
    await history.spans()
    size = (directory / FILE_NAME).stat().st_size / 1024 / 1024
    say(f"    written in {time.perf_counter() - begun:.1f} s, {size:.0f} MiB")
    floor = await history.query(lambda db: _times(lambda: _bare_sum(db)))
    say(f"    {'one bare sum':28} {milliseconds(floor)}")
    for text in QUESTIONS:
        question = parse_question(text)
        took = await history.query(lambda db, asked=question: _times(lambda: _report(db, asked)))  # type: ignore[misc]
        say(f"    {text:28} {milliseconds(took)}   {ratio(took, floor)} of the floor")
    await history.close()


def _bare_sum(connection: sqlite3.Connection) -> None:
    connection.execute("SELECT count(*), sum(cost), sum(tokens) FROM calls WHERE started >= 0").fetchone()


def _report(connection: sqlite3.Connection, question: CostQuestion) -> None:
    read_report(connection, question, NOW, {})


def _times(call: Callable[[], None]) -> list[float]:
    took = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        call()
        took.append(time.perf_counter() - begun)
    return took
