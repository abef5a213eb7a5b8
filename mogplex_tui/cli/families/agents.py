"""`mogplex-tui agents`: presets and the account's own agents (library.md §1; v1.md §2)."""

from __future__ import annotations

from typing import Any

from mogplex_tui.cli.families.base import Column, Desk, Family, Verb, off, option, v1
from mogplex_tui.cli.families.machine import command

_FIELDS = ("name", "model", "category", "description")


def _given(desk: Desk) -> dict[str, Any]:
    fields = {name: getattr(desk.args, name) for name in _FIELDS if getattr(desk.args, name) is not None}
    if desk.args.prompt is not None:
        fields["system_prompt"] = desk.args.prompt
    return fields


async def _create(desk: Desk) -> Any:
    from mogplex_tui.api.models.agents import AgentDraft

    return await desk.client.agents.create(AgentDraft(**_given(desk)))


async def _update(desk: Desk) -> Any:
    from mogplex_tui.api.models.agents import AgentChange

    return await desk.client.agents.update(desk.key, AgentChange(**_given(desk)))


def _options(*, required: bool) -> Any:
    return (
        option("--name", required=required, metavar="TEXT", help="at most 60 characters"),
        option("--model", required=required, metavar="MODEL", help="a model's id"),
        option("--category", required=required, metavar="SLUG", help="such as api, security or code-review"),
        option("--description", metavar="TEXT", help="at most 200 characters"),
        option("--prompt", metavar="TEXT", help="what it is told to do; - reads it from stdin"),
    )


FAMILY = Family(
    name="agents",
    noun="agent",
    columns=(
        Column("ID", "id"),
        Column("NAME", "name"),
        Column("CATEGORY", "category", priority=2),
        Column("PRESET", "is_preset|preset", priority=1),
        Column("MODEL", "model", priority=2),
        Column("SLUG", "slug", wide=True),
        Column("FORKED", "has_fork", wide=True),
        Column("CREATED", "created_at", wide=True),
        Column("DESCRIPTION", "description", priority=3),
    ),
    roads=(
        off(lambda desk: desk.client.agents.all()),
        v1(lambda desk: desk.client.agents.list(), "names, models and categories; no prompts."),
    ),
    names=("name", "slug"),
    verbs=(
        Verb(
            "create",
            "create an agent of your own",
            (off(_create),),
            options=_options(required=True),
            takes_one=False,
            done="The agent is created.",
        ),
        Verb(
            "update",
            "change an agent of your own",
            (off(_update),),
            options=_options(required=False),
            done="{} is changed.",
        ),
        Verb(
            "delete",
            "delete an agent of your own with its assignments and triggers",
            (off(lambda desk: desk.client.agents.delete(desk.key)),),
            question="Delete {} with its assignments and triggers?",
            done="{} is deleted.",
        ),
    ),
)
add_arguments, run = command(FAMILY)
