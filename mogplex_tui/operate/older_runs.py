"""How the calls are read that the list of runs has not loaded (observability.md §2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mogplex_tui.live import rows as make
from mogplex_tui.live.rows import LIVE_STATES, RunRow
from mogplex_tui.operate import words
from mogplex_tui.operate.model import Entry, Older, Page, ServiceFilter, Window

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView

_STATUSES = ("pending", "streaming", "success", "failed", "cancelled")
_TYPES = (
    *("chat", "pr_review", "cron_refactor", "cron", "agent", "push_review", "issue_triage", "ci_failure"),
    *("mention", "pr_comment", "issue_comment", "labeled", "tag_push"),
)


async def _read(client: ClientView, window: Window) -> Page[RunRow]:
    page = await client.observability.calls(
        since=window.since,
        until=window.until,
        status=window.filters.get("status"),
        type=window.filters.get("type"),
    )
    entries = [Entry(call.id, make.from_call(call)) for call in page.calls]
    entries += [Entry(key, row) for key, row in make.marked(page.calls.bad, "older")]
    return Page(entries, page.total)


def _state_texts(status: str) -> tuple[str, ...]:
    return (words.state(status)[1], status, *(("live",) if status in LIVE_STATES else ()))


OLDER_RUNS: Older[RunRow] = Older(
    _read,
    lambda row: row.started_at,
    (
        ServiceFilter("state", "status", {status: _state_texts(status) for status in _STATUSES}),
        ServiceFilter("type", "type", {type: (type,) for type in _TYPES}),
    ),
)
