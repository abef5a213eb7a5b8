"""Rows of the list of automations (routing.md §3, v1.md §5).

They are read from the unversioned routes, or from the token API.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from mogplex_tui.api.route_access import Family
from mogplex_tui.live.reasons import PartialList, Requirement
from mogplex_tui.operate.model import Entry, RowPage
from mogplex_tui.operate.row_pages import page_of

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.assignments_and_triggers import Activity
    from mogplex_tui.api.models.automations import Automation, AutomationRun, AutomationSummary
    from mogplex_tui.api.models.flows import Flow
    from mogplex_tui.live.session import Session

_SHOWN_RUNS = 12
TOKEN_NOTICE = PartialList(
    "names and states, and an automation's page its newest runs",
    Requirement("counts of runs, and pausing and activating,"),
)
_NO_FURTHER_PAGE = "The service could not give a further page: there are more automations than these."


def _no_activity() -> Activity:
    from mogplex_tui.api.models.assignments_and_triggers import Activity

    return Activity()


@dataclass(frozen=True, slots=True)
class AutomationRow:
    """A row of the list of automations, from the unversioned or the v1 routes.

    `activity` describes recent work of the automation; from v1 it has only the last run. `draft`
    says how the draft differs from the published version, None if that is not known. `is_flow` is
    true for a row from the unversioned routes; its changes use the same routes. `runs` are the
    newest runs, empty until the automation's own record is read.
    """

    id: str
    name: str
    status: str
    description: str | None
    installation_id: int | None
    published_version_id: str | None
    created_at: datetime | None
    updated_at: datetime | None
    is_flow: bool
    source_kind: str | None = None
    notes: str | None = None
    webhook_configured: bool | None = None
    version: int | None = None
    draft: str | None = None
    activity: Activity = field(default_factory=_no_activity)
    runs: tuple[AutomationRun, ...] = ()

    @property
    def latest(self) -> datetime | None:
        """The start of the last run, or the time of the last change if there is no run."""
        return self.activity.last_run_started_at or self.updated_at


def _row(automation: Flow | Automation | AutomationSummary, *, is_flow: bool) -> AutomationRow:
    return AutomationRow(
        id=automation.id,
        name=automation.name,
        status=automation.status,
        description=automation.description,
        installation_id=automation.installation_id,
        published_version_id=automation.published_version_id,
        created_at=automation.created_at,
        updated_at=automation.updated_at,
        is_flow=is_flow,
    )


def _from_flow(flow: Flow) -> AutomationRow:
    from mogplex_tui.api.models.assignments_and_triggers import Activity

    return replace(
        _row(flow, is_flow=True),
        source_kind=flow.source_kind,
        notes=flow.notes,
        webhook_configured=flow.webhook_configured,
        version=flow.version,
        draft=flow.draft_state,
        activity=Activity.model_construct(**{name: getattr(flow, name) for name in Activity.model_fields}),
    )


def _from_v1(automation: Automation, runs: tuple[AutomationRun, ...]) -> AutomationRow:
    """Return the row of an automation from the token API.

    `activity` describes only the newest run (v1.md §5.1).
    """
    from mogplex_tui.api.models.assignments_and_triggers import Activity

    last = runs[0] if runs else None
    activity = Activity()
    if last is not None:
        activity = Activity(
            last_job_run_id=last.id,
            last_run_status=last.status,
            last_run_started_at=last.started_at,
            last_run_error=last.error,
        )
    return replace(
        _row(automation, is_flow=False),
        notes=automation.notes,
        version=automation.version,
        draft=automation.draft_state,
        activity=activity,
        runs=runs,
    )


async def read(client: ClientView, session: Session) -> RowPage[AutomationRow]:
    """Read all automations with their activity."""
    flows = await client.flows.list()
    session.names.learn_automations({flow.id: flow.name for flow in flows})
    return page_of(flows, _from_flow, lambda row: row.id)


async def read_v1(client: ClientView, session: Session) -> RowPage[AutomationRow]:
    """Read all pages of automations from the token API.

    The hosted service fails on every page after the first; only the rows of the first page are then
    returned.
    """
    from mogplex_tui.api.errors import ServiceFailed

    def row(summary: AutomationSummary) -> AutomationRow:
        return _row(summary, is_flow=False)

    entries: list[Entry[AutomationRow]] = []
    cursor: str | None = None
    while True:
        try:
            page = await client.automations.list(cursor=cursor)
        except ServiceFailed:
            if cursor is None:
                raise
            partial = TOKEN_NOTICE._replace(cause=session.missing_session(Family.FLOWS))
            return RowPage(entries, notices=(partial, _NO_FURTHER_PAGE))
        entries += page_of(page.rows, row, lambda row: row.id).entries
        cursor = page.next_cursor
        if cursor is None:
            return RowPage(entries)


async def read_single(client: ClientView, key: str, row: AutomationRow | None) -> Entry[AutomationRow]:
    """Read an automation with its newest runs and their steps."""
    if row is None and client.access.may_ask(Family.FLOWS):
        row = _from_flow(await client.flows.get(key))
    if row is not None and row.is_flow:
        return Entry(key, replace(row, runs=tuple(await client.flows.runs(key, _SHOWN_RUNS))))
    runs = tuple(await client.automations.runs(key, _SHOWN_RUNS))
    automation = await client.automations.get(key)
    return Entry(key, _from_v1(automation, runs), automation.model_dump(mode="json"))


def merge(row: AutomationRow, single: AutomationRow) -> AutomationRow:
    """Return `row` with the fields that only the automation's own record has.

    `row` is from a newer read of the list and `single` from an earlier read of the record.
    """
    if row.is_flow:
        return replace(row, runs=single.runs)
    return replace(
        row,
        notes=single.notes,
        version=single.version,
        draft=single.draft,
        activity=single.activity,
        runs=single.runs,
    )
