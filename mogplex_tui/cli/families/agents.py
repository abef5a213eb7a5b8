"""`mogplex-tui agents`: presets and the account's own agents (library.md §1; v1.md §2)."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from mogplex_tui.cli.families.base import Column, Desk, Family, Verb, off, option, v1
from mogplex_tui.cli.families.machine import command

if TYPE_CHECKING:
    from mogplex_tui.api.models.agents import AgentChange, AgentDraft

_FIELDS = ("name", "model", "category", "description")


def _given(args: argparse.Namespace) -> dict[str, Any]:
    fields = {name: getattr(args, name) for name in _FIELDS if getattr(args, name) is not None}
    if args.prompt is not None:
        fields["system_prompt"] = args.prompt
    return fields


def _draft(args: argparse.Namespace) -> AgentDraft:
    from mogplex_tui.api.models.agents import AgentDraft

    return AgentDraft(**_given(args))


def _change(args: argparse.Namespace) -> AgentChange:
    from mogplex_tui.api.models.agents import AgentChange

    return AgentChange(**_given(args))


async def _create(desk: Desk) -> Any:
    return await desk.client.agents.create(_draft(desk.args))


async def _update(desk: Desk) -> Any:
    return await desk.client.agents.update(desk.key, _change(desk.args))


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
            draft=_draft,
            options=_options(required=True),
            takes_one=False,
            done="The agent is created.",
        ),
        Verb(
            "update",
            "change an agent of your own",
            (off(_update),),
            draft=_change,
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
