"""Formats numbers, times and states for the screen.

An unknown value is shown as a dash.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice

from mogplex_tui.api.estimated_amount import Estimate
from mogplex_tui.live.run_row import Cost

DASH = "–"
# The most characters of a column or fact. A longer text is cut before anything else is done with it.
LONGEST_LINE = 4_096
_MOST_JOINED = 256

# state -> (glyph, word, tone)
STATES: dict[str, tuple[str, str, str]] = {
    "pending": ("○", "pending", "dim"),
    "creating": ("○", "creating", "dim"),
    "streaming": ("◐", "streaming", "live"),
    "running": ("◐", "running", "live"),
    "installing": ("◐", "installing", "live"),
    "success": ("✓", "success", "ok"),
    "failed": ("✗", "failed", "error"),
    "error": ("✗", "error", "error"),
    "cancelled": ("⊘", "cancelled", "dim"),
    "stopped": ("⊘", "stopped", "dim"),
    "cancelling": ("◌", "cancelling", "warn"),
    "paused": ("‖", "paused", "dim"),
    "pausing": ("‖", "pausing", "dim"),
    "idle": ("·", "idle", "dim"),
    "active": ("●", "active", "ok"),
    "inactive": ("·", "inactive", "dim"),
    "waiting": ("◆", "approval", "warn"),
    # A run of an automation that waits for a person or an event: the service does not say which.
    "parked": ("◆", "waiting", "warn"),
    "skipped": ("·", "skipped", "dim"),
    "queued": ("○", "queued", "dim"),
    "started": ("◐", "started", "plain"),
    "deferred": ("‖", "deferred", "warn"),
    "suppressed": ("⊘", "suppressed", "warn"),
    "completed": ("✓", "completed", "ok"),
    "start_failed": ("✗", "start failed", "error"),
    "cancel_requested": ("◌", "cancel asked", "warn"),
    "cancel_failed": ("✗", "cancel failed", "error"),
    "reconciled": ("⊘", "reconciled", "warn"),
    "resumed": ("✓", "resumed", "ok"),
    "approved": ("✓", "approved", "ok"),
    "denied": ("⊘", "denied", "dim"),
    "expired": ("⊘", "expired", "dim"),
    "healthy": ("✓", "healthy", "ok"),
    "ready": ("✓", "ready", "ok"),
    "gap": ("▲", "gap", "warn"),
    "testing": ("◐", "testing", "live"),
    "untested": ("·", "untested", "dim"),
    "auth_failed": ("✗", "auth failed", "error"),
    "unreachable": ("✗", "unreachable", "error"),
    "misconfigured": ("✗", "misconfig", "error"),
    "unreadable": ("▫", "unreadable", "warn"),
}


def state(word: str) -> tuple[str, str, str]:
    """Return the symbol, the shown word and the tone of a state.

    An unknown state is shown by the service's own word.
    """
    return STATES.get(word, ("▫", word, "plain"))


# Texts for the codes of the dispatch log (observability.md §8.2). Other codes are shown as words.
REASONS = {
    "IDEMPOTENT_DUPLICATE": "the same event was already handled",
    "DUPLICATE_PR_HEAD_SHA": "this commit of the pull request was already reviewed",
    "ACTIVE_DUPLICATE": "the same work is already queued or running",
    "REPO_PENDING_LIMIT": "too many jobs are pending for this repository",
    "INSTALLATION_PENDING_LIMIT": "too many jobs are pending for this installation",
    "INSTALLATION_CONCURRENCY_LIMIT": "the installation is at its limit; starts when a slot is free",
    "MENTION_LOOP_BREAKER": "agents were mentioning each other in a loop",
    "RUNTIME_HANDLE_PERSIST_FAILED": "the runtime ID could not be stored",
    "AUTOMATION_COMPLETED": "completed",
    "AUTOMATION_FAILED": "failed",
    "AUTOMATION_TIMEOUT": "timed out",
    "AUTOMATION_RATE_LIMITED": "rate limited by the model provider",
    "AUTOMATION_PROVIDER_UNAVAILABLE": "the model provider does not answer",
    "AUTOMATION_DEPENDENCY_UNAVAILABLE": "a dependency does not answer",
    "AUTOMATION_AUTHENTICATION_FAILED": "a credential was refused: renew it",
    "AUTOMATION_CONFIGURATION_FAILED": "a model, key or setting is missing",
    "NO_GITHUB_CONNECTION": "GitHub is not connected",
    "PR_REVIEW_POSTED": "review posted",
    "PR_REVIEW_NO_FINDINGS": "reviewed, no findings",
    "PR_REVIEW_STALE_HEAD_SHA": "the pull request has newer commits",
    "PR_REVIEW_GITHUB_AUTH_FAILED": "GitHub refused the review",
    "USER_REQUESTED": "requested by a user",
    "RECONCILED_CANCEL_REQUEST": "an unfinished cancel was carried out",
    "RECONCILED_MISSING_RUNTIME_HANDLE": "its runtime no longer exists",
    "ZOMBIE_REAPED": "ended after running for six hours",
    "FLOW_INACTIVE": "the automation is paused",
    "TRIGGER_MISMATCH": "the published trigger no longer matches",
    "REPO_NOT_FOUND": "the repository was not found",
    # Why a sandbox stopped (sandboxes.md §2.3).
    "idle_timeout": "idle for too long",
    "lifetime_timeout": "reached its maximum lifetime",
    "manual": "stopped manually",
    "stuck_boot": "boot timed out",
    "vm_gone": "the machine no longer exists",
    "auto_pause": "paused while idle",
    "billing_depleted": "the balance is used up",
}
_CODE = re.compile(r"[A-Z][A-Z0-9_]{2,80}|[a-z]+(_[a-z0-9]+){1,9}")


def reason(code: str | None, metadata: Mapping[str, object] | None = None) -> str:
    """Return the text of a reason code; free text is returned unchanged."""
    if not code:
        return ""
    if code == "IDEMPOTENT_DUPLICATE" and (metadata or {}).get("review_dedup_key"):
        code = "DUPLICATE_PR_HEAD_SHA"
    if code in REASONS:
        return REASONS[code]
    return code.replace("_", " ").lower() if _CODE.fullmatch(code) else code


# Sentences that the service shows in place of raw errors (observability.md §9), each with its cause for columns.
CAUSES = {
    "The run failed because of an internal service error": "internal error",
    "The run exceeded its time limit": "time limit",
    "The AI provider rate limit or quota was reached": "limit or quota",
    "A required connection is not authorized": "not authorized",
    "This run needs additional model or provider configuration": "not configured",
    "The run was cancelled before it completed": "cancelled",
}
# The width at which every cause is shown in full.
CAUSE_WIDTH = max(map(len, CAUSES.values()))


def cause(error: str) -> str:
    """Return the known cause of an error, or the first line of the error."""
    line = error.lstrip()[:4_096].rstrip().split("\n", 1)[0]
    return CAUSES.get(line.partition(".")[0], line)


def reason_or_default(code: str | None) -> str:
    """Return the reason why the service did not act, as the end of a sentence.

    Returns a general text if the service gives no reason.
    """
    return reason(code) or "the service gives no reason"


def seconds(value: float | None) -> str:
    """Format a duration in at most two units: `9s`, `1m51s`, `2h05m`, `3d04h`."""
    if value is None:
        return DASH
    whole_seconds = max(0, int(value))
    if whole_seconds < 60:
        return f"{whole_seconds}s"
    if whole_seconds < 3600:
        return f"{whole_seconds // 60}m{whole_seconds % 60:02d}s"
    if whole_seconds < 86400:
        return f"{whole_seconds // 3600}h{whole_seconds % 3600 // 60:02d}m"
    return f"{whole_seconds // 86400}d{whole_seconds % 86400 // 3600:02d}h"


def millis(value: float | None) -> str:
    """Format a duration given in milliseconds: `85ms`, `1.1s`, `31.4s`, `2m05s`."""
    if value is None:
        return DASH
    if value < 100:
        return f"{int(value)}ms"
    if value < 59_950:
        return f"{value / 1000:.1f}s"
    if value < 60_000:
        return "1m00s"
    return seconds(value / 1000)


def age(since: datetime | None, now: datetime) -> str:
    """Format the age of a time in one unit: `12s`, `4m`, `3h`, `2d`."""
    return DASH if since is None else short_duration((now - since).total_seconds())


def short_duration(seconds_ago: float) -> str:
    """Format a duration in one unit: `12s`, `4m`, `3h`, `2d`."""
    whole_seconds = max(0, int(seconds_ago))
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if whole_seconds >= size:
            return f"{whole_seconds // size}{unit}"
    return f"{whole_seconds}s"


def count(value: int | None) -> str:
    """Format a count, abbreviated from 1000 on: `812`, `48.2k`, `1.8M`."""
    if value is None:
        return DASH
    if value < 1000:
        return str(value)
    if value < 999_950:
        return f"{value / 1000:.1f}k"
    return f"{value / 1_000_000:.1f}M" if value < 999_950_000 else f"{value / 1_000_000_000:.1f}G"


def money(value: Decimal | None, source: Cost = Cost.KNOWN) -> str:
    """Format US dollars with two decimals.

    `~` marks an estimate, a dash stands for an unknown amount, and `<$0.01` for an amount of up
    to half a cent.
    """
    if value is None:
        return DASH
    mark = "~" if source is Cost.ESTIMATED or isinstance(value, Estimate) else ""
    if Decimal(0) < value <= Decimal("0.005"):
        return f"{mark}<$0.01"
    return f"{mark}${value:,.2f}"


def short_id(value: str | None) -> str:
    """Return the first eight characters of an id.

    An id that is a path, such as a model's, is not cut, because only its end identifies it.
    """
    return (value if "/" in value else value[:8]) if value else DASH


def clipped(text: str, length: int) -> str:
    """Return a text cut to `length` characters, with an ellipsis if it was longer."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def local_time(value: datetime | None) -> str:
    """Format a time as local date and time, to the second, with the zone's name."""
    return DASH if value is None else value.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def time_of_day(value: datetime) -> str:
    """Format the local time of day."""
    return value.astimezone().strftime("%H:%M:%S")


def model(value: str | None) -> str:
    """Return the name of a model without its provider."""
    return DASH if not value else value.rpartition("/")[2]


def plural_noun(noun: str) -> str:
    """Return the plural of a noun: `runs`, `memories`, `sandboxes`."""
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch")) else f"{noun}s"


def plural(number: int, noun: str) -> str:
    """Return a count with its noun: `1 run`, `3 runs`."""
    return f"{number} {noun}" if number == 1 else f"{number:,} {plural_noun(noun)}"


def utc(value: datetime) -> str:
    """Format a time in UTC, for exports."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def first_line(text: str) -> str:
    """Return the first non-blank line of a text, cut to LONGEST_LINE characters."""
    return text.lstrip()[:LONGEST_LINE].rstrip().split("\n", 1)[0]


def joined(texts: Iterable[object]) -> str:
    """Return texts joined with commas, on one line."""
    return ", ".join(str(each)[:LONGEST_LINE] for each in islice(texts, _MOST_JOINED))[:LONGEST_LINE]
