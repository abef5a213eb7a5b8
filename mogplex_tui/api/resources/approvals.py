"""Approvals of automations and of the orchestrator (routing.md §3.15, §3.16)."""

from __future__ import annotations

from mogplex_tui.api.models.approvals import (
    ApprovalAnswer,
    ControlApproval,
    Decision,
    FlowApproval,
    FlowApprovals,
)
from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.request_rules import path_id
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.safe_text import short_id


class ApprovalsResource(Resource):
    """`/api/flows/approvals` and `/api/control/approvals`."""

    async def of_flows(self) -> FlowApprovals:
        """Return the oldest 50 open questions of automations that have not expired (§3.15)."""
        response = await self._get("/api/flows/approvals", "the approvals of automations")
        rows = response.rows(FlowApproval, "approvals")
        return FlowApprovals(rows, response.data.get("hasMore") is True)

    async def answer_flow(self, approval_id: str, decision: Decision | str, note: str | None = None) -> None:
        """Answer a question of an automation.

        A denied tool call is told to the model and the run goes on; a denied manual question fails its step. Raises
        NotFound, Conflict when somebody was faster or it expired, Unavailable when the run could not be told: try
        again.
        """
        record = path_id(approval_id, "approval")
        body = ApprovalAnswer(decision=decision, note=note).body()
        await self._change(
            "POST", f"/api/flows/approvals/{record}", f"approval {short_id(record)}", body=body
        )

    async def of_control(self, run_id: str | None = None) -> Rows[ControlApproval]:
        """Return the newest 50 pending questions of the orchestrator, expired ones among them (§3.16)."""
        record = path_id(run_id, "run") if run_id else None
        response = await self._get(
            "/api/control/approvals", "the approvals of the orchestrator", runId=record
        )
        return response.rows(ControlApproval, "approvals")

    async def answer_control(
        self, approval_id: str, decision: Decision | str, note: str | None = None
    ) -> None:
        """Answer a question of the orchestrator; Conflict for one that is unknown, answered or expired (§3.16)."""
        record = path_id(approval_id, "approval")
        body = ApprovalAnswer(decision=decision, note=note).body()
        await self._change(
            "POST", f"/api/control/approvals/{record}", f"approval {short_id(record)}", body=body
        )
