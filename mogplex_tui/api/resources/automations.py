"""Automations and their runs, over the token API."""

from __future__ import annotations

from mogplex_tui.api.models.automation_requests import (
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
from mogplex_tui.api.request_checks import idempotency_key as checked_key
from mogplex_tui.api.request_checks import path_id
from mogplex_tui.api.resources.base import Resource, v1
from mogplex_tui.api.safe_text import short_id


class AutomationsResource(Resource):
    """Automations, on the token API at `/automations`.

    Contract: v1.md §5.
    """

    async def list(self, limit: int = 100, cursor: str | None = None) -> Page[AutomationSummary]:
        """Return one page of automations, the newest first.

        The hosted service answers 500 to every cursor, so only the first page can be read there
        (docs/contract/README.md).
        """
        response = await self._get(v1("/automations"), "the automations", limit=limit, cursor=cursor)
        following = response.data.get("nextCursor") if isinstance(response.data, dict) else None
        return Page(
            response.rows(AutomationSummary, "automations"), following if isinstance(following, str) else None
        )

    async def get(self, automation_id: str) -> Automation:
        """Return an automation with its draft and its published version.

        Raises NotFound if there is no such automation.
        """
        record = path_id(automation_id, "automation")
        return (await self._get(v1(f"/automations/{record}"), f"automation {short_id(record)}")).one(
            Automation, "automation"
        )

    async def runs(self, automation_id: str, limit: int = 50) -> Rows[AutomationRun]:
        """Return the newest runs of an automation, at most 50.

        Older runs cannot be read. Raises NotFound if there is no such automation.
        """
        record = path_id(automation_id, "automation")
        response = await self._get(
            v1(f"/automations/{record}/runs"), f"the runs of automation {short_id(record)}", limit=limit
        )
        return response.rows(AutomationRun, "runs")

    async def run(self, automation_id: str, run_id: str) -> AutomationRunDetail:
        """Return one run with its steps, dispatch log, calls, findings and waits.

        Raises NotFound if there is no such automation or run.
        """
        record, run = path_id(automation_id, "automation"), path_id(run_id, "automation run")
        response = await self._get(v1(f"/automations/{record}/runs/{run}"), f"automation run {short_id(run)}")
        return response.one(AutomationRunDetail, "run")

    async def create(self, draft: AutomationDraft) -> Automation:
        """Create an automation and return it; publish it if `draft.publish` is True.

        If the service refuses to publish the automation, the error is raised, and the automation stays
        as an inactive draft. Contract: v1.md §5.3.
        """
        response = await self._change("POST", v1("/automations"), "the new automation", body=draft.body())
        return response.one(Automation, "automation")

    async def update(self, automation_id: str, change: AutomationChange) -> Automation:
        """Change the draft of an automation and return the automation.

        The published version stays as it is. Raises NotFound if there is no such automation, and
        BadRequest for an invalid graph. Contract: v1.md §5.3.
        """
        path, name = _automation(automation_id)
        return (await self._change("PUT", path, name, body=change.set_fields())).one(Automation, "automation")

    async def publish(self, automation_id: str) -> Automation:
        """Publish the draft as a new version, activate it and return the automation.

        Raises BadRequest with the first problem of the draft, and NotFound if there is no such
        automation. Contract: v1.md §5.5.
        """
        path, name = _automation(automation_id)
        return (await self._change("POST", f"{path}/publish", name)).one(Automation, "automation")

    async def set_model(
        self, automation_id: str, node_id: str, model_id: str | None, publish: bool = False
    ) -> Automation:
        """Change the model of an agent step in the draft, and return the automation.

        If `publish` is True, the changed draft is also published. Raises BadRequest for a model that is
        not enabled and for a step that is not an agent step, and NotFound for an unknown step.
        Contract: v1.md §5.3.
        """
        path, name = _automation(automation_id)
        body = NodeModel(node_id=node_id, model_id=model_id, publish=publish).set_fields()
        return (await self._change("PUT", f"{path}/model", name, body=body)).one(Automation, "automation")

    async def trigger(
        self, automation_id: str, trigger: AutomationTrigger, idempotency_key: str
    ) -> TriggeredRun:
        """Start an automation for a repository and return the result.

        Check the `outcome` of the result: if the service skips the work, it reports no error.
        Idempotency keys are shared by all jobs of all accounts and never expire, so begin the key with a
        prefix that nobody else uses. Raises Conflict if the automation is unpublished or paused.

        Contract: v1.md §5.3.
        """
        path, name = _automation(automation_id)
        headers = {"Idempotency-Key": checked_key(idempotency_key)}
        response = await self._change("POST", f"{path}/trigger", name, body=trigger.body(), headers=headers)
        return response.one(TriggeredRun, "run")


def _automation(automation_id: str) -> tuple[str, str]:
    record = path_id(automation_id, "automation")
    return v1(f"/automations/{record}"), f"automation {short_id(record)}"
