"""The texts of the Observability screen's cards, and the costs of its time ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mogplex_tui.live.usage_breakdown import TimeRange
from mogplex_tui.operate import formatting
from mogplex_tui.widgets.choice_line import Choice
from mogplex_tui.widgets.segment_line import Segment
from mogplex_tui.widgets.styles import Cell, Tone

if TYPE_CHECKING:
    from mogplex_tui.api.models.stats import Stats
    from mogplex_tui.live.session import Session


def cards(stats: Stats | None) -> dict[str, list[list[Cell]]]:
    """Return the lines of each card for the chosen range (observability.md §1.1).

    A value that is null in `stats` is shown as a dash.
    """
    if stats is None:
        return {name: [[(formatting.DASH, Tone.DIM)]] for name in ("jobs", "dispatch", "usage", "sandboxes")}
    summary = stats.summary
    rate, sandbox_ms = summary.job_runs_success_rate_in_range, summary.sandbox_time_ms
    return {
        "jobs": [
            [_big(formatting.DASH if rate is None else f"{rate:g} %", _health(rate)), ("success", Tone.DIM)],
            [
                _alert(summary.job_runs_pending, Tone.PLAIN),
                (_pending(summary.oldest_pending_age_ms, summary.job_runs_pending), Tone.DIM),
            ],
            [_alert(summary.job_runs_failed_in_range), ("failed", Tone.DIM)],
            [_alert(summary.job_runs_stale_pending, Tone.WARN), ("stuck", Tone.DIM)],
        ],
        "dispatch": [
            [_alert(summary.suppressed_in_range, Tone.PLAIN), ("skipped", Tone.DIM)],
            [_alert(summary.deferred_in_range, Tone.WARN), ("queued", Tone.DIM)],
            [_alert(summary.start_failed_in_range), ("start failed", Tone.DIM)],
            [_alert(summary.limit_denied_in_range, Tone.WARN), ("over quota", Tone.DIM)],
        ],
        "usage": [
            [_big(_figure(summary.total_calls)), ("call" if summary.total_calls == 1 else "calls", Tone.DIM)],
            [_big(formatting.count(summary.tokens)), ("tokens", Tone.DIM)],
            [
                _big(
                    formatting.millis(summary.avg_duration_ms)
                    if summary.total_calls != 0
                    else formatting.DASH
                ),
                ("avg time", Tone.DIM),
            ],
            [
                _big(
                    formatting.DASH
                    if summary.success_rate is None or summary.total_calls == 0
                    else f"{summary.success_rate:g} %"
                ),
                ("succeeded", Tone.DIM),
            ],
        ],
        "sandboxes": [
            [
                (f"{_figure(summary.sandbox_active)} of {_figure(summary.sandbox_total)}", Tone.PLAIN),
                ("running", Tone.DIM),
            ],
            [
                (formatting.seconds(None if sandbox_ms is None else sandbox_ms / 1000), Tone.PLAIN),
                ("sandbox time", Tone.DIM),
            ],
        ],
    }


def _figure(count: int | None) -> str:
    return formatting.DASH if count is None else f"{count:,}"


def _big(text: str, tone: Tone = Tone.STRONG) -> Cell:
    return (text, tone)


def _alert(number: int | None, tone: Tone = Tone.ERROR) -> Cell:
    return (_figure(number), tone if number else Tone.DIM)


def _health(rate: float | None) -> Tone:
    if rate is None:
        return Tone.DIM
    return Tone.OK if rate >= 95 else Tone.WARN if rate >= 80 else Tone.ERROR


def _pending(ms: int | None, pending: int | None) -> str:
    return f"pending {formatting.short_duration(ms / 1000)}" if pending and ms is not None else "pending"


def range_choices(session: Session) -> list[Choice]:
    """Return the choices for the time range, each with the cost of that range.

    A cost is dim while it is stale.
    """
    costs, now = session.costs, session.clock.monotonic()
    hour = costs.total(TimeRange.HOUR)
    texts = {
        TimeRange.HOUR: f"last hour {formatting.money(hour)}{'/h' if hour is not None else ''}",
        TimeRange.TODAY: f"today {formatting.money(costs.today)}",
        TimeRange.DAY: f"24 h {formatting.money(costs.total(TimeRange.DAY))}",
        TimeRange.WEEK: f"7 d {formatting.money(costs.total(TimeRange.WEEK))}",
    }

    def is_old(name: TimeRange) -> bool:
        # Every window has the cost of today.
        return name is not TimeRange.TODAY and costs.feeds[name].freshness.stale(now)

    return [Choice(name, text, Tone.DIM if is_old(name) else Tone.PLAIN) for name, text in texts.items()]


def cost_notes(session: Session) -> list[Segment]:
    """Return notes about the calls whose cost is unknown or not final."""
    newest = max(session.costs.windows.values(), key=lambda window: window.at, default=None)
    pending = newest.stats.summary.reconciliation_pending if newest is not None else None
    notes = [Segment("excludes unpriced calls", Tone.DIM, priority=2, right=True)]
    if pending:
        unbilled = f"{formatting.plural(pending, 'call')} not billed yet"
        notes.append(Segment(unbilled, Tone.WARN, priority=1, right=True))
    return notes
