"""Agents: prompt, current state and recent activity (library.md §1, §3; v1.md §2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mogplex_tui.api.request_checks import utf16_length
from mogplex_tui.api.route_access import Family
from mogplex_tui.live.reasons import PartialList, Requirement, Subject
from mogplex_tui.operate import column_formats as formats
from mogplex_tui.operate import parameter_choices, toggle_delete_actions
from mogplex_tui.operate.combined_reads import ColumnPart, read_columns
from mogplex_tui.operate.filters import quoted
from mogplex_tui.operate.model import (
    Action,
    Change,
    Creation,
    Fact,
    Kind,
    Layout,
    Link,
    Parameter,
    Result,
    RowPage,
    Source,
    TextBlock,
    Values,
    column,
    fact,
)
from mogplex_tui.operate.row_pages import page_of

if TYPE_CHECKING:
    from datetime import datetime

    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.agents import Agent, AgentActivity, RosterEntry
    from mogplex_tui.api.models.v1_catalogue import AgentSummary
    from mogplex_tui.live.session import Session

_NOW = ColumnPart("now", Subject("current states of agents"), ("status", "total_runs", "last"))
_TODAY = ColumnPart("today", Subject("figures of the last 24 hours"), ("runs", "failed", "tokens"))
_LONGEST_NAME, _LONGEST_DESCRIPTION, _LONGEST_PROMPT = 60, 200, 50_000


@dataclass(frozen=True, slots=True)
class AgentRow:
    """An agent or a preset, with its present state and its activity in 24 hours.

    In rows from the token API, the prompt, the state and the activity are None.
    """

    id: str
    name: str
    slug: str | None
    category: str | None
    description: str | None
    model: str | None
    is_preset: bool
    prompt: str | None = None
    source_template: str | None = None
    status: str | None = None
    cycles: int | None = None
    last_activity: datetime | None = None
    runs: int | None = None
    succeeded: int | None = None
    failed: int | None = None
    tokens: int | None = None


def _from_agent(
    agent: Agent, roster: Mapping[str, RosterEntry], activity: Mapping[str, AgentActivity]
) -> AgentRow:
    now, day = roster.get(agent.id), activity.get(agent.id)
    return AgentRow(
        id=agent.id,
        name=agent.name,
        slug=agent.slug,
        category=agent.category,
        description=agent.description,
        model=agent.model,
        is_preset=agent.is_preset,
        prompt=agent.system_prompt,
        source_template=agent.source_template,
        status=now.status if now else None,
        cycles=now.cycle_count if now else None,
        last_activity=now.last_activity if now else None,
        runs=day.runs_24h if day else None,
        succeeded=day.succeeded if day else None,
        failed=day.failed if day else None,
        tokens=day.tokens if day else None,
    )


def _from_summary(agent: AgentSummary) -> AgentRow:
    return AgentRow(
        id=agent.id,
        name=agent.name,
        slug=agent.slug,
        category=agent.category,
        description=agent.description,
        model=agent.model,
        is_preset=agent.preset,
    )


async def _read(client: ClientView, session: Session) -> RowPage[AgentRow]:
    agents = await client.agents.all()
    roster = await read_columns(session, "agents", _NOW, client.agents.roster(), ())
    activity = await read_columns(session, "agents", _TODAY, client.agents.activity(), ())
    by_id, by_agent = {each.id: each for each in roster}, {each.agent_id: each for each in activity}
    return page_of(agents, lambda agent: _from_agent(agent, by_id, by_agent), lambda row: row.id)


async def _read_names(client: ClientView, _: Session) -> RowPage[AgentRow]:
    return page_of(await client.agents.list(), _from_summary, lambda row: row.id)


def _idle_sort_key(row: AgentRow) -> float:
    """Return a key that sorts agents by their last activity, the latest first.

    Agents that were never active come last.
    """
    return 0.0 if row.last_activity is None else -row.last_activity.timestamp()


_SLUG = re.compile("[a-z0-9][a-z0-9-]{0,39}")


def _name(text: str) -> str:
    name = text.strip()
    if not name or utf16_length(name) > _LONGEST_NAME:
        raise ValueError(f"Give a name of at most {_LONGEST_NAME} characters.")
    return name


def _category(text: str) -> str:
    slug = text.strip()
    if not _SLUG.fullmatch(slug):
        raise ValueError("Give a category of lower-case letters, digits and hyphens, such as code-review.")
    return slug


def _text_of_at_most(longest: int) -> Callable[[str], str | None]:
    """Return a parser that limits the length of a text.

    The parser returns None for a blank text and raises ValueError for one that is too long.
    """

    def parse(text: str) -> str | None:
        if utf16_length(text) > longest:
            raise ValueError(f"Give at most {longest:,} characters.")
        return text if text.strip() else None

    return parse


_CATEGORY_HELP = "category, such as api, security or code-review"
NAME = Parameter("name", f"name, at most {_LONGEST_NAME} characters", _name)
MODEL = Parameter("model", "model ID", parameter_choices.required_text("Give the id of a model."))
CATEGORY = Parameter("category", _CATEGORY_HELP, _category)
# An agent may lack either one, and its other fields can still be changed.
OTHER_MODEL = Parameter("model", "model ID", lambda text: text.strip() or None)
OTHER_CATEGORY = Parameter("category", _CATEGORY_HELP, lambda text: _category(text) if text.strip() else None)
DESCRIPTION = Parameter(
    "description",
    f"description, at most {_LONGEST_DESCRIPTION} characters",
    _text_of_at_most(_LONGEST_DESCRIPTION),
)
PROMPT = Parameter(
    "prompt",
    "system prompt",
    _text_of_at_most(_LONGEST_PROMPT),
    accepts_stdin=True,
    only_in_command=True,
)


async def _create(client: ClientView, values: Values) -> Result:
    from mogplex_tui.api.models.agents import AgentDraft

    agent = await client.agents.create(
        AgentDraft(
            name=values[NAME],
            model=values[MODEL],
            category=values[CATEGORY],
            description=values[DESCRIPTION],
            system_prompt=values[PROMPT],
        )
    )
    return Result(True, "{} is created.", new_id=agent.id)


# The parameters of `update`, each with the service's field.
_FIELDS: Mapping[Parameter[str | None], str] = {
    NAME: "name",
    OTHER_MODEL: "model",
    OTHER_CATEGORY: "category",
    DESCRIPTION: "description",
    PROMPT: "system_prompt",
}


def _texts(row: AgentRow) -> dict[Parameter[object], str]:
    return {
        NAME: row.name,
        OTHER_MODEL: row.model or "",
        OTHER_CATEGORY: row.category or "",
        DESCRIPTION: row.description or "",
        PROMPT: row.prompt or "",
    }


def _changed_fields(row: AgentRow, values: Values) -> dict[str, str | None]:
    """Return the request fields whose values differ from those of the row.

    A value of None clears the field.
    """
    before = _texts(row)
    return {
        field: values[parameter]
        for parameter, field in _FIELDS.items()
        if values.text(parameter).strip() != before[parameter].strip()
    }


def _problem(row: AgentRow, values: Values) -> str | None:
    changed_fields = _changed_fields(row, values)
    if not changed_fields:
        return "Nothing to change: every value is the same as before."
    for field in ("model", "category"):
        if field in changed_fields and changed_fields[field] is None:
            return f"The {field} cannot be removed; give another one."
    return None


async def _update(change: Change[AgentRow]) -> None:
    from mogplex_tui.api.models.agents import AgentChange

    changed_fields = _changed_fields(change.row, change.values)
    await change.client.agents.update(change.key, AgentChange.model_validate(changed_fields))


def _not_own(row: AgentRow, participle: str) -> str | None:
    return f"A preset cannot be {participle}." if row.is_preset else None


KIND = Kind[AgentRow](
    name="agents",
    title="Agents",
    noun="agent",
    aliases=("agent", "ag", "roster"),
    contract="library.md §1, §3; v1.md §2",
    sources=(
        Source(
            Family.AGENTS,
            _read,
            poll=60,
            poll_without_realtime=30,
            tables=frozenset({"agents", "assignments", "ai_calls", "job_runs"}),
            tables_are_complete=False,
        ),
        Source(
            Family.V1,
            _read_names,
            poll=120,
            poll_without_realtime=60,
            notice=PartialList(
                "names and categories", Requirement("states, runs, tokens and prompts of agents")
            ),
            hides=frozenset({"status", "total_runs", "runs", "failed", "tokens", "last"}),
        ),
    ),
    columns=(
        column("status", "STATE", lambda row: row.status, formats.state(), Layout(10), is_text=True),
        column(
            "name",
            "AGENT",
            lambda row: row.name,
            formats.text(),
            Layout(22, flex=2, min_width=14),
            is_text=True,
        ),
        column(
            "category", "CATEGORY", lambda row: row.category, formats.text("dim"), Layout(14, 2), is_text=True
        ),
        column(
            "preset",
            "PRESET",
            lambda row: row.is_preset,
            formats.flag("preset", "custom", tone="dim"),
            Layout(8, 3),
            field="is_preset",
        ),
        column(
            "total_runs",
            "TOTAL RUNS",
            lambda row: row.cycles,
            formats.count(),
            Layout(10, 2),
            field="cycle_count",
        ),
        column("runs", "RUNS 24H", lambda row: row.runs, formats.count(), Layout(8, 1), field="runs_24h"),
        column("failed", "FAILED", lambda row: row.failed, formats.count("error"), Layout(6, 1)),
        column("tokens", "TOKENS", lambda row: row.tokens, formats.count(), Layout(7, 3), field="tokens_24h"),
        column(
            "last", "LAST", lambda row: row.last_activity, formats.AGE, Layout(4, 1), field="last_activity"
        ),
        column(
            "description",
            "DESCRIPTION",
            lambda row: row.description,
            formats.text("dim"),
            Layout(30, 4, flex=3, min_width=16),
            field="description",
            is_text=True,
        ),
    ),
    hidden_filters={"slug": lambda row: row.slug, "cycles": lambda row: row.cycles},
    label=lambda row: row.name or row.id,
    other_names=lambda row: () if row.slug is None else (row.slug,),
    default_sort=lambda row: (
        (1, _idle_sort_key(row)),
        formats.sort_key(row.is_preset),
        formats.sort_key(row.name),
    ),
    facts=(
        (
            Fact("name", lambda row: row.name),
            Fact("slug", lambda row: row.slug),
            Fact("category", lambda row: row.category),
            Fact("description", lambda row: row.description),
        ),
        (
            Fact("preset", lambda row: row.is_preset),
            Fact("forked from", lambda row: row.source_template),
            Fact("model", lambda row: row.model),
        ),
        (
            fact("status", lambda row: row.status, formats.state()),
            Fact("total runs", lambda row: row.cycles),
            Fact("last active", lambda row: row.last_activity),
        ),
        (
            Fact("runs 24 h", lambda row: row.runs),
            Fact("succeeded", lambda row: row.succeeded),
            Fact("failed", lambda row: row.failed),
            Fact("tokens 24 h", lambda row: row.tokens),
        ),
    ),
    links=(
        Link("runs", "runs", lambda _: "all runs", filter=lambda row: f"agent:={quoted(row.name)}"),
        Link(
            "assignments",
            "assignments",
            lambda _: "all assignments",
            filter=lambda row: f"agent:={quoted(row.name)}",
        ),
        Link(
            "triggers", "triggers", lambda _: "all triggers", filter=lambda row: f"agent:={quoted(row.name)}"
        ),
        Link("model", "models", lambda row: row.model or "", key=lambda row: row.model),
    ),
    texts=(TextBlock("Prompt", lambda row: row.prompt),),
    creations=(
        Creation(
            "create",
            "n",
            "Create a custom agent",
            (NAME, MODEL, CATEGORY, DESCRIPTION, PROMPT),
            lambda values: values.text(NAME).strip(),
            _create,
            in_progress="creating",
            families=(Family.AGENTS,),
            done="{} is created.",
            help_has_title=True,
        ),
    ),
    actions=(
        Action(
            "update",
            "e",
            "Change a custom agent",
            _update,
            in_progress="changing",
            families=(Family.AGENTS,),
            parameters=tuple(_FIELDS),
            initial=_texts,
            problem=_problem,
            unavailable_reason=lambda row: _not_own(row, "changed"),
        ),
        toggle_delete_actions.delete(
            lambda change: change.client.agents.delete(change.key),
            "Its assignments and triggers are deleted too.",
            Family.AGENTS,
            help="Delete a custom agent",
            unavailable_reason=lambda row: _not_own(row, "deleted"),
        ),
    ),
    empty="No agents. Create one with mogplex-tui agents create.",
    needs=Requirement("the agents", accepts_token=True),
)
