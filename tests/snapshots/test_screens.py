"""Pictures of the main screens with fixed rows, in several sizes and themes."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from textual.pilot import Pilot

from mogplex_tui.api.errors import LoginRequired, Unavailable
from mogplex_tui.api.estimated_amount import Estimate
from mogplex_tui.api.models.events import Event
from mogplex_tui.api.models.stats import Stats
from mogplex_tui.api.route_access import Family
from mogplex_tui.live.cost_windows import CostWindow
from mogplex_tui.live.run_row import Cost, RunRow, RunSource
from tests.snapshots.frozen_console import (
    NOW,
    SIZES,
    FrozenConsole,
    frozen_console,
    size_id,
)

Snap = Callable[..., bool]
Before = Callable[[Pilot[Any]], Awaitable[None]]


def _fill(app: FrozenConsole) -> FrozenConsole:
    rng = random.Random(4)
    rows = [
        _row(1, "streaming", "acme/web", "codex", 111, model="openai/gpt-5.4", branch="fix/login-redirect", cost="0.41"),
        _row(2, "streaming", "acme/api", "PR reviewer", 220, model="anthropic/claude-opus-5", cost="1.87",
             branch="feat/rate-limits", tokens=122_900),
        _row(3, "pending", "acme/docs", "claude-code", 9, branch="mogplex/external/0b2c109e-3f2a"),
        _row(4, "success", "acme/web", "CI triage", 720, model="zai/glm-5.2-fast", branch="main", cost="0.05",
             source=Cost.KNOWN, took=122, tokens=18_400),
        _row(5, "failed", "acme/billing", "Cron refactor", 1860, model="openai/gpt-5.4", branch="chore/deps",
             cost="2.66", took=554, tokens=310_000, error="The run exceeded its time limit. Retry it."),
        _row(6, "cancelled", "acme/web", "codex", 2640, model="openai/gpt-5.4", branch="try/other-idea", cost="0.07",
             took=38, tokens=9_100),
        _row(7, "cancelling", "acme/api", "codex", 65, branch="try/again"),
        _row(8, "waiting_for_moon", "acme/[red]web[/]", "future", 3000),
    ]  # fmt: skip
    for number in range(9, 60):
        state = rng.choice(["success"] * 6 + ["failed", "cancelled"])
        repo = rng.choice(["acme/web", "acme/api", "acme/a-repository-with-a-long-name"])
        known = rng.random() < 0.7
        rows.append(
            _row(number, state, repo, rng.choice(["chat", "Reviewer", "codex"]), 3600 + number * 400,
                 model="minimax/minimax-m3", cost=str(rng.randint(1, 400) / 100) if known else None, source=Cost.KNOWN,
                 took=rng.randint(3, 400), tokens=rng.randint(500, 90_000))
        )  # fmt: skip
    app.runs.set.apply([(row.key, row) for row in rows])
    app.runs.set.total, app.runs.set.whole_since = 412, min(row.began for row in rows if row.began)
    app.runs.set.freshness.as_of, app.runs.set.freshness.as_of_wall = 998.0, NOW
    _costs(app)
    return app


def _row(
    number: int,
    state: str,
    repo: str,
    who: str,
    age: int,
    *,
    model: str | None = None,
    branch: str | None = None,
    cost: str | None = None,
    source: Cost = Cost.ESTIMATED,
    took: int | None = None,
    tokens: int | None = None,
    error: str | None = None,
) -> RunRow:
    began = NOW - timedelta(seconds=age)
    key = f"{number:08x}-0000-4000-8000-000000000000"
    return RunRow(
        key=key,
        source=RunSource.CALL,
        state=state,
        call_id=key,
        run_id=key.replace("-0000-", "-1111-"),
        repo=repo,
        who=who,
        harness=who if who == "codex" else None,
        kind="agent",
        model=model,
        branch=branch,
        base_branch="main" if branch else None,
        created_at=began,
        started_at=began,
        ended_at=began + timedelta(seconds=took) if took else None,
        duration_ms=took * 1000 if took else None,
        tokens=tokens,
        input_tokens=None if tokens is None else tokens - tokens // 7,
        output_tokens=None if tokens is None else tokens // 7,
        cost=Decimal(cost) if cost else None,
        cost_source=source if cost else Cost.UNKNOWN,
        error=error,
        sandbox_name="mogplex-41c0-9f3ff8-login",
        prompt="Fix the login redirect that loses the query string" if number == 1 else None,
    )


def _costs(app: FrozenConsole) -> None:
    summary = {
        "total_calls": 248, "total_tokens": 1_820_000, "total_cost": 31.2, "cost_today": 31.42, "calls_today": 248,
        "tokens_today": 1_820_000, "avg_duration_ms": 8_400, "success_rate": 91.5, "sandbox_active": 1,
        "sandbox_total": 6, "sandbox_time_ms": 11_520_000, "job_runs_pending": 2, "oldest_pending_age_ms": 240_000,
        "job_runs_failed_in_range": 1, "job_runs_success_rate_in_range": 97.2, "deferred_in_range": 1,
        "reconciliation_pending": 12, "job_runs_stale_pending": 0, "suppressed_in_range": 0,
        "start_failed_in_range": 0, "limit_denied_in_range": 0,
    }  # fmt: skip
    stats = Stats.model_validate(
        {
            "summary": summary,
            "by_model": [
                {"model": "openai/gpt-5.4", "count": 102, "tokens": 1_002_000},
                {"model": "anthropic/claude-opus-5", "count": 61, "tokens": 610_000},
                {"model": "zai/glm-5.2-fast", "count": 80, "tokens": 208_000},
            ],
            "by_type": [
                {"type": "agent", "count": 140},
                {"type": "pr_review", "count": 70},
                {"type": "chat", "count": 38},
            ],
            "limits_by_route": [],
        }
    )
    hour = stats.model_copy(
        update={"summary": stats.summary.model_copy(update={"total_cost": Estimate("4.20")})}
    )
    week = stats.model_copy(
        update={"summary": stats.summary.model_copy(update={"total_cost": Estimate("164.10")})}
    )
    costs = app.session.costs
    costs.windows = {
        "hour": CostWindow(hour, NOW),
        "day": CostWindow(stats, NOW),
        "week": CostWindow(week, NOW),
    }
    for name in ("hour", "day", "week"):
        costs.feeds[name].freshness.as_of = 998.0
    shape = [
        0,
        0,
        0.1,
        0.4,
        0.2,
        0,
        0,
        0.6,
        1.2,
        2.4,
        3.1,
        2.9,
        1.1,
        0.4,
        1.9,
        4.4,
        5.2,
        3.3,
        2.0,
        1.4,
        0.9,
        2.2,
        3.8,
    ]
    for start, value in zip(costs.hourly.starts()[1:], shape, strict=True):
        costs.hourly.put(start, Decimal(str(value)))


def _tail(app: FrozenConsole) -> None:
    screen: Any = app.screen
    events = [
        ("started", None, "External Mogplex run accepted", {"external_run_id": "x"}, 0),
        ("status_changed", None, "Harness run streaming", {"from": "pending", "to": "streaming"}, 14),
        ("log", None, "Synchronized fix/login-redirect", {"stage": "git_sync"}, 17),
        *_tool("t1", "searchFiles", {"query": "redirectTo"}, 18, 1100),
        *_tool("t2", "readFile", {"path": "src/auth/login.ts"}, 24, 180),
        *_tool("t3", "editFile", {"path": "src/auth/login.ts"}, 45, 95),
        *_tool(
            "t4", "bash", {"command": "pnpm test auth"}, 63, 31_400, error="1 failed: keeps the query string"
        ),
        *_tool("t5", "editFile", {"path": "tests/auth.test.ts"}, 134, None),
        ("cancel_requested", None, "Cancellation requested", {}, 140),
        ("from_the_future", None, "something [bold]new[/bold]", {}, 141),
    ]
    screen.run_feed.tail.add(
        Event(
            id=f"e{number}", type=type, tool_name=tool, message=message, payload=payload,
            created_at=NOW - timedelta(seconds=150 - at),
        )
        for number, (type, tool, message, payload, at) in enumerate(events)
    )  # fmt: skip
    screen.run_feed.feed.freshness.as_of = 999.0
    screen.pane.all_changed()
    screen.flush()


def _tool(
    call: str, name: str, given: dict[str, str], at: int, took: int | None, error: str | None = None
) -> list[tuple[str, str, str, dict[str, Any], int]]:
    payload: dict[str, Any] = {"tool_call_id": call, "input": given, "input_preview": str(given)}
    lines = [("tool_started", name, f"Tool started: {name}", payload, at)]
    if took is not None:
        ended = {**payload, "duration_ms": took, "success": error is None, "error": error}
        lines.append(("tool_finished", name, f"Tool finished: {name}", ended, at + took // 1000))
    return lines


@pytest.mark.parametrize("size", SIZES, ids=size_id)
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_runs(snap_compare: Snap, size: tuple[int, int], theme: str) -> None:
    assert snap_compare(_fill(frozen_console(theme=theme)), terminal_size=size)


def test_runs_in_ascii(snap_compare: Snap) -> None:
    assert snap_compare(_fill(frozen_console(ascii=True)), terminal_size=(120, 40))


def test_runs_read_only(snap_compare: Snap) -> None:
    assert snap_compare(_fill(frozen_console(read_only=True)), terminal_size=(120, 40))


def test_runs_without_colours(snap_compare: Snap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(_fill(frozen_console(theme="light")), terminal_size=(120, 40))


def test_runs_filtered(snap_compare: Snap) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        await pilot.press("slash", *"repo:web !success")

    assert snap_compare(_fill(frozen_console()), terminal_size=(120, 40), run_before=before)


@pytest.mark.parametrize("size", SIZES[:2], ids=size_id)
def test_runs_before_the_first_response(snap_compare: Snap, size: tuple[int, int]) -> None:
    assert snap_compare(frozen_console(), terminal_size=size)


def test_runs_of_an_empty_account(snap_compare: Snap) -> None:
    app = frozen_console()
    app.runs.set.freshness.as_of = 998.0
    app.runs.set.total, app.runs.set.whole_since = 0, datetime.min.replace(tzinfo=UTC)
    assert snap_compare(app, terminal_size=(120, 40))


@pytest.mark.parametrize("size", SIZES[:2], ids=size_id)
def test_runs_with_a_token_alone(snap_compare: Snap, size: tuple[int, int]) -> None:
    app = _fill(frozen_console(cookie=None))
    app.session.access = type(app.session.access)(app.session.clock)
    closed = LoginRequired(
        "The service sends this part to its login page", advice="It opens to browser sessions only"
    )
    app.session.access.learn(Family.OBSERVABILITY, closed)
    app.runs.set.notices = app.runs._notices(is_refused=False)
    app.runs.set.total = app.runs.set.whole_since = None
    assert snap_compare(app, terminal_size=size)


def test_runs_keep_their_rows_when_the_service_fails(snap_compare: Snap) -> None:
    app = _fill(frozen_console())
    fresh = app.runs.set.freshness
    fresh.as_of, fresh.failures, fresh.retry_at = 800.0, 3, 1008.0
    fresh.error = Unavailable("The service answered 503", advice="It may be starting")
    assert snap_compare(app, terminal_size=(120, 40))


def test_runs_when_the_budget_is_used_up(snap_compare: Snap) -> None:
    from mogplex_tui.api.budget import Priority

    app = _fill(frozen_console())
    for _ in range(50):
        app.session.budget.acquire(Priority.TAIL)
    app.runs.set.freshness.as_of, app.runs.set.freshness.blocked_until = 986.0, 1007.0
    assert snap_compare(app, terminal_size=(120, 40))


@pytest.mark.parametrize("size", SIZES, ids=size_id)
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_run(snap_compare: Snap, size: tuple[int, int], theme: str) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        await pilot.press("down", "down", "enter")
        await pilot.pause()
        _tail(pilot.app)  # type: ignore[arg-type]
        await pilot.pause()

    assert snap_compare(_fill(frozen_console(theme=theme)), terminal_size=size, run_before=before)


def test_one_event(snap_compare: Snap) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        await pilot.press("enter")
        await pilot.pause()
        _tail(pilot.app)  # type: ignore[arg-type]
        await pilot.pause()
        await pilot.press("up", "up", "up", "enter")

    assert snap_compare(_fill(frozen_console()), terminal_size=(120, 40), run_before=before)


@pytest.mark.parametrize("size", SIZES, ids=size_id)
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_observability(snap_compare: Snap, size: tuple[int, int], theme: str) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        await pilot.press("6")

    assert snap_compare(_fill(frozen_console(theme=theme)), terminal_size=size, run_before=before)


def _pressing(*keys: str) -> Before:
    async def before(pilot: Pilot[Any]) -> None:
        await pilot.press(*keys)
        await pilot.pause()

    return before


@pytest.mark.parametrize("size", SIZES[:2], ids=size_id)
@pytest.mark.parametrize("key", ["x", "n", "question_mark"], ids=["cancel", "new-run", "help"])
def test_dialogs(snap_compare: Snap, size: tuple[int, int], key: str) -> None:
    app = _fill(frozen_console())
    app.session.names.repos = {"3f1c2c1e-5b0e-4a57-9d0e-7a3f0f6b2a10": "acme/api"}
    assert snap_compare(app, terminal_size=size, run_before=_pressing(key))
