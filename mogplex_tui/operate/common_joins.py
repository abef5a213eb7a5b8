"""Values of rows that are read from other lists: automation names and approvals."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mogplex_tui.live.collection import Entry
    from mogplex_tui.live.session import Session
    from mogplex_tui.live.store import RowSet
    from mogplex_tui.operate.automation_rows import AutomationRow
    from mogplex_tui.operate.kinds.approvals import ApprovalRow


def jobs_with_open_approval(session: Session) -> frozenset[str]:
    """Return the ids of the jobs that have an open approval.

    The service reports the status of these jobs as `running`.
    """
    row_set: RowSet[Entry[ApprovalRow]] = session.store.set("approvals")
    approvals = (entry.row for entry in row_set.rows.values() if entry.row is not None)
    return frozenset(row.job_run_id for row in approvals if row.job_run_id and row.status == "waiting")


def automation_names(session: Session) -> Callable[[str | None], str | None]:
    """Return a function that maps the id of an automation to its name.

    The function looks the id up in the list of automations that the session holds.
    """
    row_set: RowSet[Entry[AutomationRow]] = session.store.set("automations")

    def name_of(flow_id: str | None) -> str | None:
        entry = row_set.rows.get(flow_id or "")
        return None if entry is None or entry.row is None else entry.row.name

    return name_of
