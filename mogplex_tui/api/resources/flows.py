"""Automations over the unversioned routes, which offer more than the token API."""

from __future__ import annotations

from typing import Any

from mogplex_tui.api.errors import InvalidInput, MogplexError
from mogplex_tui.api.models.automations import AutomationRun, AutomationRunDetail, AutomationStatus
from mogplex_tui.api.models.base import Rows, parse_rows
from mogplex_tui.api.models.flows import (
    Flow,
    FlowChange,
    FlowDraft,
    FlowTemplate,
    FlowTest,
    FlowTestPayload,
    HarnessState,
    SandboxTest,
    TemplateDraft,
    TemplatePage,
)
from mogplex_tui.api.request_checks import path_id
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.response_errors import invalid_response
from mogplex_tui.api.safe_text import short_id, visible
from mogplex_tui.config.secret import Secret


class FlowsResource(Resource):
    """Automations, their runs and templates, and coding CLIs, at `/api/flows`.

    Contract: routing.md §3 and §4.
    """

    async def list(self) -> Rows[Flow]:
        """Return all automations with their activity, the newest first.

        Contract: routing.md §3.3.
        """
        return (await self._get("/api/flows", "the automations")).rows(Flow, None)

    async def get(self, flow_id: str) -> Flow:
        """Return an automation with its draft and its published version.

        Raises NotFound if there is no such automation. Contract: routing.md §3.5.
        """
        path, name = _flow(flow_id)
        return (await self._get(path, name)).one(Flow)

    async def create(self, draft: FlowDraft) -> Flow:
        """Create an inactive automation and return it.

        Raises NotFound for an installation, a repository or a template that the account cannot use.
        Contract: routing.md §3.4.
        """
        return (await self._change("POST", "/api/flows", "the new automation", body=draft.body())).one(Flow)

    async def update(self, flow_id: str, change: FlowChange) -> Flow:
        """Save the draft of an automation and return the automation.

        The saved draft may lack parts of the graph that was sent: the service drops steps of unknown
        types and unknown keys. Raises BadRequest with code FLOW_AGENT_FORBIDDEN for an agent of another
        account, and NotFound if there is no such automation. Contract: routing.md §3.6.
        """
        path, name = _flow(flow_id)
        return (await self._change("PUT", path, name, body=change.set_fields())).one(Flow)

    async def set_active(self, flow_id: str, active: bool) -> Flow:
        """Resume or pause an automation, and return it.

        Raises BadRequest with code FLOW_UNPUBLISHED_ACTIVATION if the automation was never published,
        and Conflict while another request to resume or pause it is in progress.
        Contract: routing.md §3.6.
        """
        path, name = _flow(flow_id)
        status = AutomationStatus.ACTIVE if active else AutomationStatus.INACTIVE
        return (await self._change("PUT", path, name, body={"status": str(status)})).one(Flow)

    async def delete(self, flow_id: str) -> None:
        """Delete an automation; its runs can then no longer be read.

        Raises NotFound if there is no such automation. Contract: routing.md §3.7.
        """
        path, name = _flow(flow_id)
        await self._change("DELETE", path, name)

    async def duplicate(self, flow_id: str) -> Flow:
        """Copy an automation's draft to a new automation, and return the new one.

        The new automation is inactive and unpublished. Raises NotFound if there is no automation
        `flow_id`. Contract: routing.md §3.8.
        """
        path, name = _flow(flow_id)
        return (await self._change("POST", f"{path}/duplicate", name)).one(Flow)

    async def publish(self, flow_id: str) -> Flow:
        """Publish the draft as a new version, activate it and return the automation.

        Raises BadRequest with code FLOW_GRAPH_INVALID for a draft that cannot run; pass the error to
        `publish_problems` to get all problems. Raises ServiceFailed with code FLOW_PUBLISH_SYNC_FAILED
        if the version was published but the automation is paused. Contract: routing.md §3.9.
        """
        path, name = _flow(flow_id)
        return (await self._change("POST", f"{path}/publish", name)).one(Flow)

    async def webhook_secret(self, flow_id: str) -> Secret:
        """Create a new secret that signs webhook deliveries, and return it.

        The secret cannot be read again. An earlier secret becomes invalid at once.
        Contract: routing.md §3.10.
        """
        path, name = _flow(flow_id)
        response = await self._change("POST", f"{path}/webhook-secret", f"the webhook secret of {name}")
        secret = response.at("secret")
        if not isinstance(secret, str) or not secret:
            raise invalid_response(response.info, "has no secret")
        return Secret(secret)

    async def test(self, flow_id: str, payload: dict[str, Any] | None = None) -> FlowTest:
        """Start a test run of a published, active automation, and return the result.

        If the service skips the run, the result says so; no error is raised. Raises BadRequest if the
        automation is unpublished or paused, and Conflict if the published trigger no longer matches the
        automation. Contract: routing.md §3.11.
        """
        path, name = _flow(flow_id)
        body = None if payload is None else FlowTestPayload(payload=payload).set_fields()
        return (await self._change("POST", f"{path}/test-trigger", name, body=body)).one(FlowTest)

    async def runs(self, flow_id: str, limit: int = 50) -> Rows[AutomationRun]:
        """Return the newest runs of an automation, with their steps but without costs.

        `limit` is 1 to 50. Contract: routing.md §3.13.
        """
        path, name = _flow(flow_id)
        response = await self._get(f"{path}/runs", f"the runs of {name}", limit=limit)
        return response.rows(AutomationRun, "runs")

    async def run(self, flow_id: str, run_id: str) -> AutomationRunDetail:
        """Return one run with its dispatch log, calls with events, findings and waits.

        The texts of the run may contain control characters. Contract: routing.md §3.14.
        """
        path, _ = _flow(flow_id)
        run = path_id(run_id, "automation run")
        return (await self._get(f"{path}/runs/{run}", f"automation run {short_id(run)}")).one(
            AutomationRunDetail, "run"
        )

    async def templates(self, cursor: str | None = None) -> TemplatePage:
        """Return one page of the templates of the account or of the active team.

        The most recently changed template comes first. Contract: routing.md §3.17.
        """
        if cursor is not None and not (cursor.isascii() and cursor.isdigit()):
            raise InvalidInput("cursor must be a non-negative integer", resource="the templates")
        response = await self._get("/api/flows/templates", "the templates", cursor=cursor)
        rows = response.rows(FlowTemplate, "templates")
        following, can_write = response.data.get("next_cursor"), response.data.get("can_write")
        return TemplatePage(
            rows,
            following if isinstance(following, str) else None,
            can_write if isinstance(can_write, bool) else None,
        )

    async def save_template(self, draft: TemplateDraft) -> FlowTemplate:
        """Save the draft of an automation as a template, and return the template.

        Raises NotAllowed if the caller's role in the team does not permit it.
        Contract: routing.md §3.17.
        """
        response = await self._change("POST", "/api/flows/templates", "the new template", body=draft.body())
        return response.one(FlowTemplate)

    async def delete_template(self, template_id: str) -> None:
        """Delete a template of the account or of the active team.

        Raises NotFound if there is no such template. Contract: routing.md §3.17.
        """
        record = path_id(template_id, "template")
        await self._change("DELETE", f"/api/flows/templates/{record}", f"template {short_id(record)}")

    async def harnesses(self) -> Rows[HarnessState]:
        """Return the coding CLIs: which are available, and who would pay for their models.

        Contract: routing.md §4.
        """
        response = await self._get("/api/automations/harnesses", "the harnesses")
        found = response.at("harnesses")
        if not isinstance(found, dict):
            raise invalid_response(response.info, "is not an object by harness")
        return parse_rows(
            HarnessState,
            ({"name": name, **state} if isinstance(state, dict) else state for name, state in found.items()),
        )

    async def sandbox_test(self, repo_id: str) -> SandboxTest:
        """Return whether a sandbox could be launched for a repository.

        If a requirement is not met, the result says so; no error is raised. Contract: routing.md §4.
        """
        record = path_id(repo_id, "repository")
        response = await self._change(
            "POST",
            "/api/automations/sandbox-test",
            f"the sandbox test of repository {short_id(record)}",
            body={"repoId": record},
        )
        return response.one(SandboxTest)


def publish_problems(error: MogplexError) -> list[str]:
    """Return the service's reasons for refusing to publish a draft.

    Each reason is a sentence. If the error has no list of reasons, the result has one item, the
    message of the error.
    """
    found = error.extra.get("details")
    faults = [visible(item) for item in found if isinstance(item, str)] if isinstance(found, list) else []
    return faults or [error.message]


def _flow(flow_id: str) -> tuple[str, str]:
    record = path_id(flow_id, "automation")
    return f"/api/flows/{record}", f"automation {short_id(record)}"
