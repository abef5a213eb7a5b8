"""Skills of the account, skills of the public registry and documentation pages.

Contract: library.md §6.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from mogplex_tui.api.models.base import Count, Flag, Inbound, OutboundSnake, Text, TextList, Time
from mogplex_tui.api.models.field_validators import one_of, require_a_change, text


class SkillType(StrEnum):
    """The types of skills.

    Only the response to a change of a skill contains its type. Contract: library.md §6.1.
    """

    RUNBOOK = "runbook"
    TOOL = "tool"
    PROMPT = "prompt"
    WORKFLOW = "workflow"


class Skill(Inbound):
    """A skill of the account.

    In lists, `type` and `model` are None. Contract: library.md §6.1.
    """

    id: str
    name: Text = ""
    description: str | None = None
    content: Text = ""
    type: str | None = None
    model: str | None = None
    is_public: Flag = False
    tags: TextList = Field(default_factory=list)
    usage_count: Count = None
    scope: Text = ""
    created_at: Time | None = None
    updated_at: Time | None = None


_Name = Annotated[str, text("Name is required")]
_Content = Annotated[str, text("Content is required", trimmed=False)]
_Type = Annotated[str, one_of(tuple(SkillType), f"The type must be one of {', '.join(SkillType)}")]


class SkillDraft(OutboundSnake):
    """The fields of a skill to create.

    Contract: library.md §6.1.
    """

    name: _Name
    content: _Content
    description: str | None = None
    type: _Type = SkillType.RUNBOOK
    model: Annotated[str, text("Name a model")] = ""
    is_public: bool = False
    tags: list[str] = Field(default_factory=list)


class SkillChange(OutboundSnake):
    """A change of a skill; fields that are not set keep their values.

    Contract: library.md §6.1.
    """

    name: _Name = ""
    content: _Content = ""
    description: str | None = None
    type: _Type = SkillType.RUNBOOK
    model: Annotated[str, text("Name a model")] = ""
    is_public: bool = False
    tags: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _check_any(self) -> "SkillChange":
        require_a_change(self.model_fields_set)
        return self


class RegistrySkill(Inbound):
    """A skill of the public registry.

    `source` is the repository of the skill, as owner/name. Contract: library.md §6.2.
    """

    id: str
    skill_id: Text = ""
    name: Text = ""
    source: Text = ""
    installs: Count = None
    description: str | None = None


class RegistrySkillDetail(Inbound):
    """A skill of the public registry with its text, which may be empty.

    Contract: library.md §6.2.
    """

    name: Text = ""
    description: Text = ""
    installs: Count = None
    source: Text = ""
    content: Text = ""
    install_command: Text = ""
    audited: Flag = False


class DocEntry(Inbound):
    """A page in the list of Vercel's documentation pages.

    `depth` is the number of segments in the page's path. Contract: library.md §6.2.
    """

    path: str
    title: Text = ""
    url: Text = ""
    description: Text = ""
    depth: Count = None


class DocPage(Inbound):
    """The text of one documentation page.

    Contract: library.md §6.2.
    """

    title: Text = ""
    path: Text = ""
    markdown: Text = ""
