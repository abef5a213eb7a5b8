"""Rules for agents, and slash commands that the account has stored.

Contract: library.md §7 and §11.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import model_validator

from mogplex_tui.api.models.base import Inbound, OutboundSnake, Text, Time
from mogplex_tui.api.models.field_validators import require_a_change, text


class RuleTable(StrEnum):
    """The database tables that the rules route can read and write.

    They are the table of rules and the table of legacy skills. Contract: library.md §7.
    """

    RULES = "agent_rules"
    LEGACY_SKILLS = "agent_skills"


class Rule(Inbound):
    """A rule for agents.

    The name usually looks like the name of a file, and the text begins with a heading. Several rules
    may have the same name. Contract: library.md §7.
    """

    id: str
    name: Text = ""
    content: Text = ""
    type: Text = ""
    created_at: Time | None = None


_Name = Annotated[str, text("Name is required")]


class RuleDraft(OutboundSnake):
    """The fields of a rule to create.

    If `type` is not set, the rule gets the default type of its table. Contract: library.md §7.
    """

    name: _Name
    content: str = ""
    type: Annotated[str, text("Name a type")] = ""


class RuleChange(OutboundSnake):
    """A change of a rule; fields that are not set keep their values.

    Contract: library.md §7.
    """

    name: _Name = ""
    content: str = ""
    type: Annotated[str, text("Name a type")] = ""

    @model_validator(mode="after")
    def _check_any(self) -> "RuleChange":
        require_a_change(self.model_fields_set)
        return self


class Command(Inbound):
    """A stored slash command.

    Several commands may have the same name. Contract: library.md §11.
    """

    id: str
    name: Text = ""
    description: Text = ""
    template: Text = ""
    created_at: Time | None = None

    def expand(self, arguments: str) -> str:
        """Return the template with each `$ARGS` replaced by the arguments."""
        return self.template.replace("$ARGS", arguments)


class CommandDraft(OutboundSnake):
    """The fields of a slash command to create.

    Contract: library.md §11.
    """

    name: _Name
    template: Annotated[str, text("Template is required", trimmed=False)]
    description: str = ""
