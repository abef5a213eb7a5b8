"""Approvals for which automations and the orchestrator are waiting."""

from __future__ import annotations

from mogplex_tui.api.models.approvals import (
    ApprovalAnswer,
    ControlApproval,
    Decision,
    FlowApproval,
    FlowApprovals,
)
from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.request_checks import path_id
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.safe_text import short_id


class ApprovalsResource(Resource):
    """Approvals, at `/api/flows/approvals` and `/api/control/approvals`.

    Contract: routing.md §3.15 and §3.16.
    """

    async def flow_approvals(self) -> FlowApprovals:
        """Return at most 50 pending approvals of automations, the oldest first.

        Expired approvals are left out.

        Contract: routing.md §3.15.
        """
        response = await self._get("/api/flows/approvals", "the approvals of automations")
        rows = response.rows(FlowApproval, "approvals")
        return FlowApprovals(rows, response.data.get("hasMore") is True)

    async def answer_flow(self, approval_id: str, decision: Decision | str, note: str | None = None) -> None:
        """Approve or deny a tool call or a manual step of an automation.

        After a denied tool call, the model is told of the denial and the run continues. A denied manual
        step fails. Raises NotFound if there is no such approval, Conflict if it was already decided or
        has expired, and Unavailable if the service could not notify the run (try again).

        Contract: routing.md §3.15.
        """
        record = path_id(approval_id, "approval")
        body = ApprovalAnswer(decision=decision, note=note).body()
        await self._change(
            "POST", f"/api/flows/approvals/{record}", f"approval {short_id(record)}", body=body
        )

    async def control_approvals(self, run_id: str | None = None) -> Rows[ControlApproval]:
        """Return the newest 50 pending approvals of the orchestrator.

        With `run_id`, only the approvals of this run are returned. Expired approvals are included.
        Contract: routing.md §3.16.
        """
        record = path_id(run_id, "run") if run_id else None
        response = await self._get(
            "/api/control/approvals", "the approvals of the orchestrator", runId=record
        )
        return response.rows(ControlApproval, "approvals")

    async def answer_control(
        self, approval_id: str, decision: Decision | str, note: str | None = None
    ) -> None:
        """Approve or deny a tool call of the orchestrator.

        Raises Conflict if the approval is unknown, already decided or expired.
        Contract: routing.md §3.16.
        """
        record = path_id(approval_id, "approval")
        body = ApprovalAnswer(decision=decision, note=note).body()
        await self._change(
            "POST", f"/api/control/approvals/{record}", f"approval {short_id(record)}", body=body
        )
