"""Numbers, times and states in the words and widths of the screen; unknown is always a dash."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from mogplex_tui.live.rows import Cost

DASH = "–"

# state -> (glyph, ascii glyph, word, tone)
STATES: dict[str, tuple[str, str, str, str]] = {
    "pending": ("○", "o", "pending", "dim"),
    "creating": ("○", "o", "creating", "dim"),
    "streaming": ("◐", "*", "streaming", "live"),
    "running": ("◐", "*", "running", "live"),
    "installing": ("◐", "*", "installing", "live"),
    "success": ("✓", "+", "success", "ok"),
    "failed": ("✗", "x", "failed", "error"),
    "error": ("✗", "x", "error", "error"),
    "cancelled": ("⊘", "-", "cancelled", "dim"),
    "stopped": ("⊘", "-", "stopped", "dim"),
    "cancelling": ("◌", "~", "cancelling", "warn"),
    "paused": ("‖", "=", "paused", "dim"),
    "pausing": ("‖", "=", "pausing", "dim"),
    "idle": ("·", ".", "idle", "dim"),
    "active": ("●", "*", "active", "ok"),
    "inactive": ("·", ".", "inactive", "dim"),
    "waiting": ("◆", "?", "approval", "warn"),
    "skipped": ("·", ".", "skipped", "dim"),
    "unreadable": ("▫", "?", "unreadable", "warn"),
}


def state(word: str, *, ascii_only: bool = False) -> tuple[str, str, str]:
    """Return glyph, word and tone of a state; one the console does not know keeps its own word."""
    glyph, letter, name, tone = STATES.get(word, ("▫", "?", word, "plain"))
    return (letter if ascii_only else glyph, name, tone)


def seconds(value: float | None) -> str:
    """Return a span in two units at most: `9s`, `1m51s`, `2h05m`, `3d04h`."""
    if value is None:
        return DASH
    whole = max(0, int(value))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02d}h"


def millis(value: float | None) -> str:
    """Return a duration given in milliseconds: `85ms`, `1.1s`, `31.4s`, `2m05s`."""
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
    """Return how long ago something was, in one unit: `12s`, `4m`, `3h`, `2d`."""
    return DASH if since is None else age_of((now - since).total_seconds())


def age_of(seconds_ago: float) -> str:
    """Return a span in one unit: `12s`, `4m`, `3h`, `2d`."""
    whole = max(0, int(seconds_ago))
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if whole >= size:
            return f"{whole // size}{unit}"
    return f"{whole}s"


def count(value: int | None) -> str:
    """Return a count with one decimal from a thousand on: `812`, `48.2k`, `1.8M`."""
    if value is None:
        return DASH
    if value < 1000:
        return str(value)
    if value < 999_950:
        return f"{value / 1000:.1f}k"
    return f"{value / 1_000_000:.1f}M" if value < 999_950_000 else f"{value / 1_000_000_000:.1f}G"


def money(value: Decimal | None, source: Cost = Cost.KNOWN) -> str:
    """Return US dollars with two decimals; `~` marks an estimate, a dash the unknown, `<` up to half a cent."""
    if value is None:
        return DASH
    mark = "~" if source is Cost.ESTIMATED else ""
    if Decimal(0) < value <= Decimal("0.005"):
        return f"{mark}<$0.01"
    return f"{mark}${value:,.2f}"


def short_id(value: str | None) -> str:
    """Return the first eight characters of an id."""
    return value[:8] if value else DASH


def local(value: datetime | None) -> str:
    """Return an instant in local time with its zone, to the second."""
    return DASH if value is None else value.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def clock(value: datetime) -> str:
    """Return the local time of day."""
    return value.astimezone().strftime("%H:%M:%S")


def model(value: str | None) -> str:
    """Return a model without its provider."""
    return DASH if not value else value.rpartition("/")[2]


def many(noun: str) -> str:
    """Return a noun for more than one: `runs`, `memories`, `sandboxes`."""
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch")) else f"{noun}s"


def plural(number: int, noun: str) -> str:
    """Return a count with its noun: `1 run`, `3 runs`."""
    return f"{number} {noun}" if number == 1 else f"{number:,} {many(noun)}"


def utc(value: datetime) -> str:
    """Return an instant in UTC, as exports carry it."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
