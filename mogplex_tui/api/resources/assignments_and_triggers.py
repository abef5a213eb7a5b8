"""Assignments of agents to repositories, and triggers for GitHub events."""

from __future__ import annotations

from mogplex_tui.api.models.assignments_and_triggers import (
    Assignment,
    AssignmentChange,
    AssignmentDraft,
    Trigger,
    TriggerChange,
    TriggerDraft,
)
from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.request_checks import path_id
from mogplex_tui.api.resources.base import Resource, advice_for_500
from mogplex_tui.api.safe_text import short_id

_WRITES_FAIL = (
    "The hosted service answers every such change like this and stores nothing: do not try again there"
)


class AssignmentsResource(Resource):
    """Assignments of agents to repositories, at `/api/assignments`.

    Contract: routing.md §1.
    """

    async def list(self) -> Rows[Assignment]:
        """Return at most 500 assignments with their activity, in no defined order."""
        return (await self._get("/api/assignments", "the assignments")).rows(Assignment, None)

    async def create(self, draft: AssignmentDraft) -> Assignment:
        """Create an assignment and return it.

        On the hosted service this always raises Absent, because automations have replaced assignments.
        Contract: routing.md §1.2.
        """
        response = await self._change(
            "POST", "/api/assignments", "the new assignment", body=draft.set_fields()
        )
        return response.one(Assignment)

    async def update(self, assignment_id: str, change: AssignmentChange) -> Assignment:
        """Change an assignment and return it without the fields of `Activity`.

        Raises NotFound if there is no such assignment. Contract: routing.md §1.3.
        """
        record = path_id(assignment_id, "assignment")
        body = {"id": record, **change.set_fields()}
        return (
            await self._change("PUT", "/api/assignments", f"assignment {short_id(record)}", body=body)
        ).one(Assignment)

    async def delete(self, assignment_id: str) -> None:
        """Delete an assignment with its jobs.

        Raises NotFound if there is no such assignment. Contract: routing.md §1.4.
        """
        record = path_id(assignment_id, "assignment")
        await self._change(
            "DELETE", "/api/assignments", f"assignment {short_id(record)}", params={"id": record}
        )


class TriggersResource(Resource):
    """Triggers, at `/api/triggers`.

    On the hosted service, `create` and `update` always raise ServiceFailed.
    Contract: routing.md §2.
    """

    async def list(self) -> Rows[Trigger]:
        """Return all triggers with their activity, the newest first."""
        return (await self._get("/api/triggers", "the triggers")).rows(Trigger, None)

    async def create(self, draft: TriggerDraft) -> Trigger:
        """Create a trigger and return it.

        Raises NotFound if the installation or the agent belongs to another account.
        """
        with advice_for_500(_WRITES_FAIL):
            response = await self._change("POST", "/api/triggers", "the new trigger", body=draft.set_fields())
        return response.one(Trigger)

    async def update(self, trigger_id: str, change: TriggerChange) -> Trigger:
        """Change a trigger and return it.

        Raises ServiceFailed if there is no such trigger.
        """
        record = path_id(trigger_id, "trigger")
        body = {"id": record, **change.set_fields()}
        with advice_for_500(_WRITES_FAIL):
            response = await self._change("PUT", "/api/triggers", f"trigger {short_id(record)}", body=body)
        return response.one(Trigger)

    async def delete(self, trigger_id: str) -> None:
        """Delete a trigger; do nothing if there is no such trigger."""
        record = path_id(trigger_id, "trigger")
        await self._change("DELETE", "/api/triggers", f"trigger {short_id(record)}", params={"id": record})
