"""Automations over the token API (v1.md §5)."""

from __future__ import annotations

from mogplex_tui.api.models.automation_drafts import (
    AutomationChange,
    AutomationDraft,
    AutomationTrigger,
    NodeModel,
    TriggeredRun,
)
from mogplex_tui.api.models.automations import (
    Automation,
    AutomationRun,
    AutomationRunDetail,
    AutomationSummary,
)
from mogplex_tui.api.models.base import Page, Rows
from mogplex_tui.api.request_rules import idempotency_key as checked_key
from mogplex_tui.api.request_rules import path_id
from mogplex_tui.api.resources.base import Resource, v1
from mogplex_tui.api.safe_text import short_id


class AutomationsResource(Resource):
    """`/automations`."""

    async def list(self, limit: int = 100, cursor: str | None = None) -> Page[AutomationSummary]:
        """Return one page, the newest first; the hosted service answers 500 to every cursor (README of the
        contract).
        """
        response = await self._get(v1("/automations"), "the automations", limit=limit, cursor=cursor)
        following = response.data.get("nextCursor") if isinstance(response.data, dict) else None
        return Page(
            response.rows(AutomationSummary, "automations"), following if isinstance(following, str) else None
        )

    async def get(self, automation_id: str) -> Automation:
        """Return an automation with its draft and its published version."""
        record = path_id(automation_id, "automation")
        return (await self._get(v1(f"/automations/{record}"), f"automation {short_id(record)}")).one(
            Automation, "automation"
        )

    async def runs(self, automation_id: str, limit: int = 50) -> Rows[AutomationRun]:
        """Return the runs of an automation, the newest first; at most 50 and no further page."""
        record = path_id(automation_id, "automation")
        response = await self._get(
            v1(f"/automations/{record}/runs"), f"the runs of automation {short_id(record)}", limit=limit
        )
        return response.rows(AutomationRun, "runs")

    async def run(self, automation_id: str, run_id: str) -> AutomationRunDetail:
        """Return one run with its steps, ledger, calls with events, findings and waits."""
        record, run = path_id(automation_id, "automation"), path_id(run_id, "automation run")
        response = await self._get(v1(f"/automations/{record}/runs/{run}"), f"automation run {short_id(run)}")
        return response.one(AutomationRunDetail, "run")

    async def create(self, draft: AutomationDraft) -> Automation:
        """Create an automation and, when the draft says so, publish it (v1.md §5.3).

        Not in one piece: when publishing is refused the error comes and the inactive draft stays.
        """
        response = await self._change("POST", v1("/automations"), "the new automation", body=draft.body())
        return response.one(Automation, "automation")

    async def update(self, automation_id: str, change: AutomationChange) -> Automation:
        """Change an automation's draft; the published version runs on as it is (v1.md §5.3)."""
        path, name = _automation(automation_id)
        return (await self._change("PUT", path, name, body=change.set_fields())).one(Automation, "automation")

    async def publish(self, automation_id: str) -> Automation:
        """Make the draft a new version and run it, also when it was paused.

        BadRequest with the first fault of the draft (v1.md §5.5).
        """
        path, name = _automation(automation_id)
        return (await self._change("POST", f"{path}/publish", name)).one(Automation, "automation")

    async def set_model(
        self, automation_id: str, node_id: str, model_id: str | None, publish: bool = False
    ) -> Automation:
        """Give an agent step another model, in the draft alone or published at once (v1.md §5.3).

        BadRequest for a model that is not enabled and for a step of another type, NotFound for one that is not there.
        """
        path, name = _automation(automation_id)
        body = NodeModel(node_id=node_id, model_id=model_id, publish=publish).set_fields()
        return (await self._change("PUT", f"{path}/model", name, body=body)).one(Automation, "automation")

    async def trigger(
        self, automation_id: str, trigger: AutomationTrigger, idempotency_key: str
    ) -> TriggeredRun:
        """Set an automation off for a repository; read `outcome`, for suppressed work is no error (v1.md §5.3).

        The key counts over all jobs of all accounts for ever: begin it with something of one's own. Conflict before
        the first publish and while it is paused.
        """
        path, name = _automation(automation_id)
        headers = {"Idempotency-Key": checked_key(idempotency_key)}
        response = await self._change("POST", f"{path}/trigger", name, body=trigger.body(), headers=headers)
        return response.one(TriggeredRun, "run")


def _automation(automation_id: str) -> tuple[str, str]:
    record = path_id(automation_id, "automation")
    return v1(f"/automations/{record}"), f"automation {short_id(record)}"
