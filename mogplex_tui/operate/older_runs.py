"""Reads older calls that the list of runs has not loaded (observability.md §2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mogplex_tui.api.request_checks import is_uuid
from mogplex_tui.live import run_row as make
from mogplex_tui.live.run_row import LIVE_STATES, RunRow
from mogplex_tui.operate import formatting
from mogplex_tui.operate.model import Entry, Older, RowPage, ServiceFilter, Window

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session

_STATUSES = ("pending", "streaming", "success", "failed", "cancelled")
_TYPES = (
    *("chat", "pr_review", "cron_refactor", "cron", "agent", "push_review", "issue_triage", "ci_failure"),
    *("mention", "pr_comment", "issue_comment", "labeled", "tag_push"),
)


async def _read(client: ClientView, window: Window) -> RowPage[RunRow]:
    page = await client.observability.calls(
        since=window.since,
        until=window.until,
        status=window.filters.get("status"),
        type=window.filters.get("type"),
        repo_id=window.filters.get("repo_id"),
    )
    entries = [Entry(call.id, make.from_call(call)) for call in page.calls]
    entries += [Entry(key, row) for key, row in make.unreadable_rows(page.calls.bad, "older")]
    return RowPage(entries, page.total)


def _state_texts(status: str) -> tuple[str, ...]:
    # The service does not know yet that a cancel was sent, so it still reports the old state.
    live = ("live", "cancelling") if status in LIVE_STATES else ()
    return (formatting.state(status)[1], status, *(("running",) if status == "streaming" else ()), *live)


def _id_of_repo(_: Session, text: str) -> str | None:
    return text if is_uuid(text) else None


def _id_of_named_repo(session: Session, text: str) -> str | None:
    """Return the id of the repository that has the name `text`.

    Returns None if no repository has this name, or if another name contains it.
    """
    names = session.names.repos.items()
    matches = [(key, name.lower()) for key, name in names if text in name.lower()]
    return matches[0][0] if len(matches) == 1 and matches[0][1] == text else None


OLDER_RUNS: Older[RunRow] = Older(
    _read,
    lambda row: row.started_at,
    (
        ServiceFilter("state", "status", {status: _state_texts(status) for status in _STATUSES}),
        ServiceFilter("type", "type", {type: (type,) for type in _TYPES}),
        ServiceFilter("project", "repo_id", value_of=_id_of_repo),
        ServiceFilter("repo", "repo_id", value_of=_id_of_named_repo),
    ),
)
