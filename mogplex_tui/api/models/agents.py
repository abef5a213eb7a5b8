"""Agents, their drafts, their roster and their categories (library.md §1-§4)."""

import json
from typing import Annotated, Any

from pydantic import AfterValidator, ValidationError, model_validator

from mogplex_tui.api.errors import InvalidResponse
from mogplex_tui.api.models.base import Count, Flag, Inbound, Outbound, OutboundSnake, Text, Time
from mogplex_tui.api.models.checks import require_a_change, text
from mogplex_tui.api.request_rules import utf16_length

BUILT_IN_CATEGORIES = {
    "nextjs": "Next.js",
    "performance": "Performance",
    "api": "API & Backend",
    "security": "Security",
    "data": "Data & Databases",
    "frontend": "Frontend & Design",
    "code-review": "PR Review",
    "code-quality": "Code Quality",
    "seo": "SEO & Marketing",
}
"""The categories that everybody has, slug to label; the route lists only the account's own ones (§4)."""

_SLUG_MARKS = "abcdefghijklmnopqrstuvwxyz0123456789-"


def _slug(value: str) -> str:
    slug = value.strip()
    if not slug:
        raise ValueError("Category is required")
    if len(slug) > 40 or slug.startswith("-") or set(slug) - set(_SLUG_MARKS):
        raise ValueError("Invalid category")
    return slug


_Name = Annotated[str, text("Name is required", 60, "Name must be 60 characters or less")]
_Model = Annotated[str, text("Model is required")]
_Category = Annotated[str, AfterValidator(_slug)]
_Description = Annotated[
    str | None, text(limit=200, too_long_message="Description must be 200 characters or less", trimmed=False)
]
_Prompt = Annotated[
    str | None, text(limit=50_000, too_long_message="System prompt is too long", trimmed=False)
]


class Agent(Inbound):
    """A preset (id `preset:NAME`, whether the account has a fork of it in `has_fork`) or an agent of the account.

    `model` is null for an agent without one; which model a step runs on is the automation node's choice (§1.1).
    """

    id: str
    name: Text = ""
    slug: str | None = None
    model: str | None = None
    system_prompt: str | None = None
    description: str | None = None
    category: str | None = None
    source_template: str | None = None
    created_at: Time | None = None
    is_preset: Flag = False
    has_fork: Flag = False


class AgentDraft(OutboundSnake):
    """An agent to create; `source_template` is the name of the preset that it forks (§1.3)."""

    name: _Name
    model: _Model
    category: _Category
    system_prompt: _Prompt = None
    description: _Description = None
    source_template: str | None = None


class AgentChange(OutboundSnake):
    """A change of an agent: what is not given stays, a null clears the description or the prompt (§1.3)."""

    name: _Name = ""
    model: _Model = ""
    category: _Category = ""
    system_prompt: _Prompt = None
    description: _Description = None

    @model_validator(mode="after")
    def _check_any(self) -> "AgentChange":
        require_a_change(self.model_fields_set)
        return self


class ExistingAgent(OutboundSnake):
    """The agent that a generated one is to improve on; the service reads only its beginnings (§2)."""

    name: str | None = None
    description: str | None = None
    category: str | None = None
    system_prompt: str | None = None


def _wish(value: str) -> str:
    if not value.strip():
        raise ValueError("description is required")
    if utf16_length(value) > 2000:
        raise ValueError("Description too long (max 2000)")
    return value


class AgentGeneration(Outbound):
    """What an agent is wanted for, at most 2000 characters, and the model that writes it (§2)."""

    description: Annotated[str, AfterValidator(_wish)]
    generator_model: Annotated[str | None, text("Name a model")] = None
    existing_agent: ExistingAgent | None = None

    def body(self) -> dict[str, Any]:
        """Return the JSON body without what was not given."""
        return self.model_dump(by_alias=True, exclude_none=True)


class GeneratedAgent(Inbound):
    """What a model wrote; nothing is stored, and nothing but the texts is certain (§2)."""

    name: Text = ""
    description: Text = ""
    category: Text = ""
    system_prompt: Text = ""


def read_generated(written: str) -> GeneratedAgent:
    """Read the whole text of a generation; raises InvalidResponse when it broke off or is no agent (§2).

    A fence of a code block around the object is looked past: models like to write one.
    """
    start, end = written.find("{"), written.rfind("}")
    try:
        return GeneratedAgent.model_validate(json.loads(written[start : end + 1] if start >= 0 else written))
    except (ValueError, RecursionError, ValidationError):
        raise InvalidResponse(
            "The model wrote nothing that is an agent",
            advice="Try again, or describe it in other words",
            resource="the new agent",
        ) from None


class RosterEntry(Inbound):
    """An agent with what its newest call says: idle, running or error; `cycle_count` is calls (§3)."""

    id: str
    name: Text = ""
    description: Text = ""
    status: Text = ""
    cycle_count: Count = None
    last_activity: Time | None = None


class AgentActivity(Inbound):
    """What an agent's assignments and triggers ran in the last 24 hours, and the tokens that cost (§3)."""

    agent_id: str
    runs_24h: Count = None
    succeeded: Count = None
    failed: Count = None
    suppressed: Count = None
    tokens_24h: Count = None

    @property
    def tokens(self) -> int | None:
        """The tokens of the calls; None where there were runs and no call measured any."""
        return self.tokens_24h if self.tokens_24h or self.runs_24h == 0 else None


class AgentCategory(Inbound):
    """A category of the account's own (§4)."""

    id: str
    slug: Text = ""
    label: Text = ""
    created_at: Time | None = None


class CategoryDraft(Outbound):
    """The label of a new category, 40 characters with single spaces (§4)."""

    label: Annotated[
        str,
        AfterValidator(lambda value: " ".join(value.split())),
        text("Category name is required", 40, "Category name must be 40 characters or less"),
    ]
