"""Rules for agents, and stored slash commands."""

from __future__ import annotations

from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.models.rules_and_commands import (
    Command,
    CommandDraft,
    Rule,
    RuleChange,
    RuleDraft,
    RuleTable,
)
from mogplex_tui.api.request_checks import path_id
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.safe_text import short_id, visible


class RulesResource(Resource):
    """Rules for agents, at `/api/rules`.

    With `table=RuleTable.LEGACY_SKILLS`, the methods work on legacy skills in place of rules.
    Contract: library.md §7.
    """

    async def list(self, table: RuleTable = RuleTable.RULES) -> Rows[Rule]:
        """Return all rules, sorted by name."""
        rows = (await self._get("/api/rules", "the rules", table=_named(table))).rows(Rule, None)
        return rows.sorted_by(lambda row: (row.name, row.id))

    async def create(self, draft: RuleDraft, table: RuleTable = RuleTable.RULES) -> Rule:
        """Create a rule and return it."""
        body = draft.set_fields() | _table_param(table)
        return (await self._change("POST", "/api/rules", f"rule {visible(draft.name, 40)}", body=body)).one(
            Rule
        )

    async def update(self, rule_id: str, change: RuleChange, table: RuleTable = RuleTable.RULES) -> Rule:
        """Change a rule and return it.

        If there is no such rule, raises NotFound, or ServiceFailed on the hosted service.
        """
        record = path_id(rule_id, "rule")
        body = {"id": record, **change.set_fields()} | _table_param(table)
        return (await self._change("PUT", "/api/rules", f"rule {short_id(record)}", body=body)).one(Rule)

    async def delete(self, rule_id: str, table: RuleTable = RuleTable.RULES) -> None:
        """Delete a rule with its overrides in repositories.

        Does nothing if there is no such rule.
        """
        record = path_id(rule_id, "rule")
        params = {"id": record, "table": _named(table)}
        await self._change("DELETE", "/api/rules", f"rule {short_id(record)}", params=params)


class CommandsResource(Resource):
    """Stored slash commands, at `/api/commands`.

    A stored command can be deleted but not changed. Contract: library.md §11.
    """

    async def list(self) -> Rows[Command]:
        """Return at most 100 commands, sorted by name."""
        rows = (await self._get("/api/commands", "the commands")).rows(Command, None)
        return rows.sorted_by(lambda row: (row.name, row.id))

    async def create(self, draft: CommandDraft) -> Command:
        """Create a command and return it."""
        response = await self._change(
            "POST", "/api/commands", f"command {visible(draft.name, 40)}", body=draft.set_fields()
        )
        return response.one(Command)

    async def delete(self, command_id: str) -> None:
        """Delete a command; do nothing if there is no such command."""
        record = path_id(command_id, "command")
        await self._change("DELETE", "/api/commands", f"command {short_id(record)}", params={"id": record})


def _named(table: RuleTable) -> str | None:
    # The default table is not sent.
    return None if table is RuleTable.RULES else str(table)


def _table_param(table: RuleTable) -> dict[str, str]:
    named = _named(table)
    return {} if named is None else {"table": named}
