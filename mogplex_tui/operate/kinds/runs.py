"""Runs and calls: the first of all kinds, with a screen of its own shape (v1.md §7, observability.md §2)."""

from __future__ import annotations

from datetime import UTC, datetime

from mogplex_tui.live.rows import RunRow
from mogplex_tui.operate import words
from mogplex_tui.operate.finding import Find
from mogplex_tui.operate.kinds.base import Cell, Context, Field, Kind

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def _muted(row: RunRow, tone: str = "plain") -> str:
    """Finished work is quiet; live and failing work is bright."""
    return tone if row.live or row.state == "failed" else "dim"


def duration_seconds(row: RunRow, now: datetime) -> float | None:
    """Return how long a row took, or has taken so far."""
    if row.duration_ms is not None:
        return row.duration_ms / 1000
    if row.live and row.began is not None and row.state != "pending":
        return (now - row.began).total_seconds()
    if row.ended_at is not None and row.began is not None:
        return (row.ended_at - row.began).total_seconds()
    return None


def _state_cell(row: RunRow, _: Context) -> Cell:
    glyph, word, tone = words.state(row.state)
    return (f"{glyph} {word}", tone)


def _error_cell(row: RunRow, _: Context) -> Cell:
    return (words.cause(row.error or ""), "error" if row.state in ("failed", "unreadable") else "dim")


def _seconds_ago(row: RunRow, now: datetime) -> float | None:
    return None if row.began is None else (now - row.began).total_seconds()


# Found by what is shown and by the service's own word, where they differ; what the title counts as live also by that.
_SEARCH: dict[str, Find] = {
    "state": lambda row, _: (words.state(row.state)[1], row.state, *(("live",) if row.live else ())),
    "repo": lambda row, _: row.repo,
    "who": lambda row, _: row.who,
    "step": lambda row, _: row.step,
    "model": lambda row, _: (words.model(row.model), row.model) if row.model else None,
    "branch": lambda row, _: row.branch,
    "sandbox": lambda row, _: tuple(filter(None, (row.sandbox_id, row.sandbox_name))),
    "type": lambda row, _: row.kind,
    "harness": lambda row, _: row.harness,
    "error": lambda row, _: (words.cause(row.error), row.error) if row.error else None,
    "prompt": lambda row, _: row.prompt,
    "id": lambda row, _: tuple(filter(None, (row.key, row.run_id, row.call_id, row.job_id))),
    "cost": lambda row, _: None if row.cost is None else float(row.cost),
    "tokens": lambda row, _: None if row.tokens is None else float(row.tokens),
    "time": duration_seconds,
    "age": _seconds_ago,
    # Sub-projects share the name of their repository (projects.md §1): the id alone tells them apart.
    "project": lambda row, _: row.repo_id,
}


def _began(row: RunRow) -> datetime:
    return row.began or _LONG_AGO


RUNS = Kind(
    name="runs",
    title="Runs",
    noun="run",
    search=_SEARCH,
    # Newest first with the live ones on top, once turned round by a descending order.
    default_sort=lambda row: (row.live, _began(row)),
    fields=(
        Field("state", "STATE", 12, _state_cell, sort=lambda row: (row.state,), priority=0),
        Field(
            "repo",
            "REPO",
            18,
            lambda row, _: (row.repo or words.short_id(row.repo_id), _muted(row)),
            sort=lambda row: (row.repo or "",),
            priority=0,
            flex=1,
            min_width=11,
            cut="middle",
        ),
        Field(
            "who",
            "WHO",
            16,
            lambda row, _: (row.who or words.DASH, _muted(row)),
            sort=lambda row: (row.who or "",),
            priority=2,
            flex=1,
            min_width=11,
        ),
        Field(
            "model",
            "MODEL",
            17,
            lambda row, _: (words.model(row.model), "dim"),
            sort=lambda row: (row.model or "",),
            priority=4,
            flex=1,
            min_width=13,
            cut="middle",
        ),
        Field(
            "branch",
            "BRANCH",
            20,
            lambda row, _: (row.branch or words.DASH, _muted(row)),
            sort=lambda row: (row.branch or "",),
            priority=3,
            flex=2,
            min_width=12,
            cut="middle",
        ),
        Field(
            "age",
            "AGE",
            3,
            lambda row, context: (words.age(row.began, context.now), "dim"),
            # The order of ages, not of instants: what is largest is the oldest.
            sort=lambda row: (row.began is not None, -_began(row).timestamp()),
            align="right",
            priority=0,
            span=True,
        ),
        Field(
            "time",
            "TIME",
            6,
            lambda row, context: (words.seconds(duration_seconds(row, context.seen)), _muted(row)),
            sort_at=lambda row, now: (duration_seconds(row, now) or -1.0,),
            align="right",
            priority=1,
            span=True,
        ),
        Field(
            "tokens",
            "TOKENS",
            6,
            lambda row, _: (words.count(row.tokens), _muted(row)),
            sort=lambda row: (-1 if row.tokens is None else row.tokens,),
            align="right",
            priority=3,
        ),
        Field(
            "cost",
            "COST",
            8,
            lambda row, _: (words.money(row.cost, row.cost_source), _muted(row)),
            sort=lambda row: (-1.0 if row.cost is None else float(row.cost),),
            align="right",
            priority=0,
        ),
        Field("error", "", words.LEAST_CAUSE, _error_cell, priority=0, flex=3),
    ),
)
