"""Automations over the token API (v1.md §5)."""

from __future__ import annotations

from mogplex_tui.api.models.automations import (
    Automation,
    AutomationRun,
    AutomationRunDetail,
    AutomationSummary,
)
from mogplex_tui.api.models.base import Page, Rows
from mogplex_tui.api.resources.base import Resource, v1
from mogplex_tui.api.rules import path_id
from mogplex_tui.api.text import short


class AutomationsResource(Resource):
    """`/automations`."""

    async def list(self, limit: int = 100, cursor: str | None = None) -> Page[AutomationSummary]:
        """Return one page, the newest first; the hosted service answers 500 to every cursor (README of the
        contract).
        """
        answer = await self._get(v1("/automations"), "the automations", limit=limit, cursor=cursor)
        following = answer.data.get("nextCursor") if isinstance(answer.data, dict) else None
        return Page(
            answer.rows(AutomationSummary, "automations"), following if isinstance(following, str) else None
        )

    async def get(self, automation_id: str) -> Automation:
        """Return an automation with its draft and its published version."""
        record = path_id(automation_id, "automation")
        return (await self._get(v1(f"/automations/{record}"), f"automation {short(record)}")).one(
            Automation, "automation"
        )

    async def runs(self, automation_id: str, limit: int = 50) -> Rows[AutomationRun]:
        """Return the runs of an automation, the newest first; at most 50 and no further page."""
        record = path_id(automation_id, "automation")
        answer = await self._get(
            v1(f"/automations/{record}/runs"), f"the runs of automation {short(record)}", limit=limit
        )
        return answer.rows(AutomationRun, "runs")

    async def run(self, automation_id: str, run_id: str) -> AutomationRunDetail:
        """Return one run with its steps, ledger, calls with events, findings and waits."""
        record, run = path_id(automation_id, "automation"), path_id(run_id, "automation run")
        answer = await self._get(v1(f"/automations/{record}/runs/{run}"), f"automation run {short(run)}")
        return answer.one(AutomationRunDetail, "run")
