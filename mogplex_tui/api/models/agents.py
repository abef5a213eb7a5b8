"""Agents, their drafts, their activity and their categories.

Contract: library.md §1 to §4.
"""

import json
from typing import Annotated, Any

from pydantic import AfterValidator, ValidationError, model_validator

from mogplex_tui.api.errors import InvalidResponse
from mogplex_tui.api.models.base import Count, Flag, Inbound, Outbound, OutboundSnake, Text, Time
from mogplex_tui.api.models.field_validators import require_a_change, text
from mogplex_tui.api.request_checks import utf16_length

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
"""The labels of the built-in categories, by slug.

The service lists only the categories that the account has created (library.md §4).
"""

_SLUG_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"


def _slug(value: str) -> str:
    slug = value.strip()
    if not slug:
        raise ValueError("Category is required")
    if len(slug) > 40 or slug.startswith("-") or set(slug) - set(_SLUG_CHARACTERS):
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
    """An agent of the account, or a preset (a built-in agent).

    The id of a preset is `preset:NAME`. `has_fork` says whether the account has a copy of the
    preset. `model` is None if the agent names no model; an automation chooses the model of each of
    its steps. Contract: library.md §1.1.
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
    """The fields of an agent to create.

    `source_template` is the name of the preset of which the agent is a copy, or None.
    Contract: library.md §1.3.
    """

    name: _Name
    model: _Model
    category: _Category
    system_prompt: _Prompt = None
    description: _Description = None
    source_template: str | None = None


class AgentChange(OutboundSnake):
    """A change of an agent.

    Fields that are not set keep their values; null clears the description or the prompt.
    Contract: library.md §1.3.
    """

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
    """An agent that a model should improve, instead of writing a new one.

    The service reads only the beginning of each text. Contract: library.md §2.
    """

    name: str | None = None
    description: str | None = None
    category: str | None = None
    system_prompt: str | None = None


def _check_description(value: str) -> str:
    if not value.strip():
        raise ValueError("description is required")
    if utf16_length(value) > 2000:
        raise ValueError("Description too long (max 2000)")
    return value


class AgentGeneration(Outbound):
    """The request that a model write an agent.

    `description` says what the agent is for, in at most 2000 characters. `generator_model` is the
    model that writes the agent. Contract: library.md §2.
    """

    description: Annotated[str, AfterValidator(_check_description)]
    generator_model: Annotated[str | None, text("Name a model")] = None
    existing_agent: ExistingAgent | None = None

    def body(self) -> dict[str, Any]:
        """Return the JSON body, without fields that are None."""
        return self.model_dump(by_alias=True, exclude_none=True)


class GeneratedAgent(Inbound):
    """An agent that a model has written and that the service has not stored.

    A field that the model left out is empty. Contract: library.md §2.
    """

    name: Text = ""
    description: Text = ""
    category: Text = ""
    system_prompt: Text = ""


def read_generated(written: str) -> GeneratedAgent:
    """Parse the JSON that a model wrote and return the agent in it.

    The JSON may be in a code block, as models often write it. Raises InvalidResponse if the JSON
    is incomplete or does not describe an agent. Contract: library.md §2.
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
    """An agent with its number of calls and the state of its newest call.

    `status` is idle, running or error; `cycle_count` is the number of calls.
    Contract: library.md §3.
    """

    id: str
    name: Text = ""
    description: Text = ""
    status: Text = ""
    cycle_count: Count = None
    last_activity: Time | None = None


class AgentActivity(Inbound):
    """The numbers of runs and tokens of an agent in the last 24 hours.

    Only runs that an assignment or a trigger started are counted. Contract: library.md §3.
    """

    agent_id: str
    runs_24h: Count = None
    succeeded: Count = None
    failed: Count = None
    suppressed: Count = None
    tokens_24h: Count = None

    @property
    def tokens(self) -> int | None:
        """The number of tokens, or None if it was not measured.

        It was not measured if the service returns 0 tokens for an agent that had runs.
        """
        return self.tokens_24h if self.tokens_24h or self.runs_24h == 0 else None


class AgentCategory(Inbound):
    """A category of agents that the account has created.

    Contract: library.md §4.
    """

    id: str
    slug: Text = ""
    label: Text = ""
    created_at: Time | None = None


class CategoryDraft(Outbound):
    """A category to create, with a label of at most 40 characters.

    Several spaces in a row become one space. Contract: library.md §4.
    """

    label: Annotated[
        str,
        AfterValidator(lambda value: " ".join(value.split())),
        text("Category name is required", 40, "Category name must be 40 characters or less"),
    ]
