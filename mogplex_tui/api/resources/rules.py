"""Rules and saved slash commands (library.md §7, §11)."""

from __future__ import annotations

from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.models.rules import Command, CommandDraft, Rule, RuleChange, RuleDraft, RuleTable
from mogplex_tui.api.request_rules import path_id
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.safe_text import short_id, visible


class RulesResource(Resource):
    """`/api/rules`: the rules, or with `table` the legacy skills."""

    async def list(self, table: RuleTable = RuleTable.RULES) -> Rows[Rule]:
        """Return all rules by name (the service leaves the order open)."""
        rows = (await self._get("/api/rules", "the rules", table=_named(table))).rows(Rule, None)
        return rows.ordered(lambda row: (row.name, row.id))

    async def create(self, draft: RuleDraft, table: RuleTable = RuleTable.RULES) -> Rule:
        """Create a rule."""
        body = draft.set_fields() | _chosen(table)
        return (await self._change("POST", "/api/rules", f"rule {visible(draft.name, 40)}", body=body)).one(
            Rule
        )

    async def update(self, rule_id: str, change: RuleChange, table: RuleTable = RuleTable.RULES) -> Rule:
        """Change a rule; NotFound when there is none (the hosted service: ServiceFailed)."""
        record = path_id(rule_id, "rule")
        body = {"id": record, **change.set_fields()} | _chosen(table)
        return (await self._change("PUT", "/api/rules", f"rule {short_id(record)}", body=body)).one(Rule)

    async def delete(self, rule_id: str, table: RuleTable = RuleTable.RULES) -> None:
        """Delete a rule and what repositories say about it; one that is gone already is fine."""
        record = path_id(rule_id, "rule")
        params = {"id": record, "table": _named(table)}
        await self._change("DELETE", "/api/rules", f"rule {short_id(record)}", params=params)


class CommandsResource(Resource):
    """`/api/commands`: there is no change, only delete and create."""

    async def list(self) -> Rows[Command]:
        """Return at most 100 commands by name (the service leaves the order open)."""
        rows = (await self._get("/api/commands", "the commands")).rows(Command, None)
        return rows.ordered(lambda row: (row.name, row.id))

    async def create(self, draft: CommandDraft) -> Command:
        """Save a command."""
        response = await self._change(
            "POST", "/api/commands", f"command {visible(draft.name, 40)}", body=draft.set_fields()
        )
        return response.one(Command)

    async def delete(self, command_id: str) -> None:
        """Delete a command; one that is gone already is fine."""
        record = path_id(command_id, "command")
        await self._change("DELETE", "/api/commands", f"command {short_id(record)}", params={"id": record})


def _named(table: RuleTable) -> str | None:
    # The default goes without saying.
    return None if table is RuleTable.RULES else str(table)


def _chosen(table: RuleTable) -> dict[str, str]:
    named = _named(table)
    return {} if named is None else {"table": named}
