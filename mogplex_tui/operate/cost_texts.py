"""The sentences of a cost report, and its figures as fields of JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from mogplex_tui.api.estimated_amount import Estimate
from mogplex_tui.live.call_spans import EPOCH
from mogplex_tui.live.call_sums import CostDimension
from mogplex_tui.operate import formatting

if TYPE_CHECKING:
    from mogplex_tui.api.models.billing import Billing
    from mogplex_tui.live.call_sums import CallSum
    from mogplex_tui.live.cost_forecast import Forecast
    from mogplex_tui.operate.cost_report import CostGroup, CostReport

SEPARATOR: Final = " · "
_OUTCOMES: Final = ("success", "failed", "cancelled")
_MOST_GAPS: Final = 2
NOTHING_STORED: Final = "No calls have been read yet."


def label(dimension: CostDimension, text: str | None) -> str:
    """Return the label of a group; calls without a value have one in parentheses."""
    if text is None:
        return f"(no {dimension.value.replace('-', ' ')})"
    return formatting.model(text) if dimension is CostDimension.MODEL else text


def labels(report: CostReport, group: CostGroup) -> list[str]:
    """Return the labels of a group in all dimensions of a report."""
    return [label(*pair) for pair in zip(report.question.dimensions, group.labels, strict=True)]


def share(value: float | None) -> str:
    """Return a share in percent, or a dash."""
    return formatting.DASH if value is None else f"{value * 100:.0f}%"


def unpriced(each: CallSum) -> str:
    """Return the number of calls without a price, or an empty text for none."""
    return f"{each.unpriced:,}" if each.unpriced else ""


def total_parts(report: CostReport) -> list[str]:
    """Return the sums of a range: cost, calls, calls without a price, and rates."""
    total = report.total
    parts = [f"{formatting.money(total.cost)} from {formatting.plural(total.calls, 'call')}"]
    if total.unpriced:
        parts[0] += f", {total.unpriced:,} without a price"
    if total.tokens:
        cached = "" if total.cached_share is None else f", {share(total.cached_share)} of prompts cached"
        parts.append(f"{formatting.count(total.tokens)} tokens{cached}")
    if total.cost_per_success is not None:
        parts.append(f"{formatting.money(total.cost_per_success)} per success")
    if total.cost_per_opened is not None:
        opened = formatting.plural(total.opened, "pull request")
        parts.append(f"{formatting.money(total.cost_per_opened)} for each of {opened} opened")
    return parts


def outcome_parts(report: CostReport) -> list[str]:
    """Return the cost of each outcome, such as `failed $2.00 (7 calls)`."""
    order = [*_OUTCOMES, *sorted(set(report.outcomes) - set(_OUTCOMES))]
    return [
        f"{word} {formatting.money(each.cost)} ({formatting.plural(each.calls, 'call')})"
        for word in order
        if (each := report.outcomes.get(word)) is not None
    ]


def coverage_text(report: CostReport, *, is_reading: bool = False) -> str:
    """Return which calls a report covers, and the parts of its range without them."""
    since = report.complete_since
    if since is None:
        return NOTHING_STORED
    if not report.gaps:
        return "complete"
    if since <= EPOCH or since < report.interval.until:
        parts = [f"complete since {minute(since)}"]
    else:
        parts = ["not complete"]
    missing = [f"{minute(gap.oldest)} to {minute(gap.newest)}" for gap in report.gaps[:_MOST_GAPS]]
    more = len(report.gaps) - _MOST_GAPS
    missing += [f"{more} more"] if more > 0 else []
    parts.append(f"calls may be missing from {' and '.join(missing)}")
    if is_reading:
        parts.append("older calls are being read")
    return "; ".join(parts)


def minute(at: datetime) -> str:
    """Return a local date and time to the minute."""
    return f"{at.astimezone():%a %d %b %H:%M}"


def outlook_parts(report: CostReport) -> list[str]:
    """Return the burn rate and the forecast to midnight of all calls."""
    parts = [] if report.question.within is None else ["all calls:"]
    if report.per_hour is not None:
        parts.append(f"{formatting.money(report.per_hour.cost)}/h in the last hour")
    if report.midnight is not None:
        parts.append(_forecast_text("midnight UTC", report.midnight))
    elif report.complete_since is not None:
        parts.append("too few complete hours for a forecast")
    return parts


def month_parts(report: CostReport) -> list[str]:
    """Return the forecast to the end of the month; empty if there is none."""
    month = report.month
    return [] if month is None else [_forecast_text("the end of the month", month)]


def _forecast_text(end: str, forecast: Forecast) -> str:
    window = f"{forecast.intervals} {'hours' if forecast.step < timedelta(days=1) else 'days'}"
    error = formatting.money(forecast.error)
    return f"forecast to {end} {formatting.money(Estimate(forecast.cost))} ±{error} (from the last {window})"


def billing_text(billing: Billing | None) -> str:
    """Return the plan and the balance, or an empty text if the service has no billing."""
    if billing is None or not billing.enabled:
        return ""
    parts = [f"plan {billing.tier}" if billing.tier else "", billing.status or ""]
    balance = billing.balance
    if balance is not None and balance.total_cents is not None:
        cents = balance.total_cents
        parts.append(f"balance {'-' if cents < 0 else ''}${abs(cents) / 100:,.2f}")
    return SEPARATOR.join(filter(None, parts))


# Figures -----------------------------------------------------------------------------------------------------------


def figures(each: CallSum) -> dict[str, object]:
    """Return sums as fields for JSON and CSV; costs are US dollars."""
    provenance = None if each.cost is None else "estimated" if each.estimated else "known"
    return {
        "cost_usd": each.cost,
        "provenance": provenance,
        "calls": each.calls,
        "calls_without_price": each.unpriced,
        "succeeded": each.succeeded,
        "failed": each.failed,
        "cancelled": each.cancelled,
        "tokens": each.tokens,
        "cached_share": None if each.cached_share is None else round(each.cached_share, 4),
        "cost_per_success_usd": _rounded(each.cost_per_success),
        "pull_requests_opened": each.opened,
        "cost_per_pull_request_usd": _rounded(each.cost_per_opened),
    }


def group_fields(report: CostReport, group: CostGroup) -> dict[str, object]:
    """Return a group as fields: its value in each dimension, and its figures."""
    names = (dimension.value.replace("-", "_") for dimension in report.question.dimensions)
    return {**dict(zip(names, group.labels, strict=True)), **figures(group.sum)}


def summary_fields(report: CostReport, billing: Billing | None) -> dict[str, object]:
    """Return what a report says about its whole range as fields."""
    since = report.complete_since
    return {
        "since": report.interval.since,
        "until": report.interval.until,
        **figures(report.total),
        "by_outcome": {word: figures(each) for word, each in report.outcomes.items()},
        "complete_since": since,
        "missing": [{"since": gap.oldest, "until": gap.newest} for gap in report.gaps],
        "cost_last_hour_usd": None if report.per_hour is None else report.per_hour.cost,
        "forecasts": list(_forecast_fields((report.midnight, report.month))),
        "billing": _billing_fields(billing),
    }


def _forecast_fields(forecasts: Sequence[Forecast | None]) -> Iterable[dict[str, object]]:
    for each in forecasts:
        if each is not None:
            yield {
                "until": each.until,
                "cost_usd": _rounded(each.cost),
                "error_usd": _rounded(each.error),
                "window_hours": each.window // timedelta(hours=1),
            }


def _billing_fields(billing: Billing | None) -> dict[str, object] | None:
    if billing is None or not billing.enabled:
        return None
    cents = None if billing.balance is None else billing.balance.total_cents
    return {"plan": billing.tier, "status": billing.status, "balance_cents": cents}


def _rounded(value: object) -> object:
    from decimal import Decimal

    return value if not isinstance(value, Decimal) else value.quantize(Decimal("1e-8"))
