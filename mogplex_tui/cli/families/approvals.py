"""`mogplex-tui approvals`: the questions that wait for a human (routing.md §3.15, §3.16)."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mogplex_tui.cli.families.base import Column, Desk, Family, Verb, off, option
from mogplex_tui.cli.families.machine import command

KINDS = ("automation", "orchestrator")


@dataclass(frozen=True)
class Question:
    """An open question of an automation or of the orchestrator; `input` is what the tool would get, as text.

    `job_run_id` is the job of an automation's question, `run_id` the run of the orchestrator's.
    """

    id: str
    of: str
    kind: str
    question: str
    who: str | None
    where: str | None
    input: str | None
    urgency: str | None
    job_run_id: str | None
    run_id: str | None
    created_at: datetime | None
    expires_at: datetime | None


def _of_flow(row: Any) -> Question:
    return Question(
        row.id,
        "automation",
        row.kind,
        row.question,
        row.who,
        row.where,
        row.tool_input,
        None,
        row.job_run_id,
        None,
        row.created_at,
        row.expires_at,
    )


def _of_control(row: Any) -> Question:
    from mogplex_tui.cli.output import json_text

    text = row.tool_input if isinstance(row.tool_input, str) else json_text(row.tool_input)
    said = row.summary or row.tool_name
    return Question(
        row.id,
        "orchestrator",
        "tool_approval",
        said,
        row.tool_name or None,
        None,
        text if row.tool_input is not None else None,
        row.urgency or None,
        None,
        row.run_id,
        row.created_at,
        row.expires_at,
    )


async def _of_automations(desk: Desk) -> Any:
    answer = await desk.client.approvals.of_flows()
    more = "More questions of automations wait behind these; the service shows the oldest 50."
    return answer.approvals, _of_flow, more if answer.has_more else ""


async def _of_orchestrator(desk: Desk) -> Any:
    return await desk.client.approvals.of_control(), _of_control, ""


_PARTS = {"automation": _of_automations, "orchestrator": _of_orchestrator}


async def _list(desk: Desk) -> Any:
    """Both sorts, or the one that is asked for; where one is refused the other is listed, and a note says so."""
    from mogplex_tui.api.errors import Absent, LoginRequired, NotAllowed, NotSignedIn
    from mogplex_tui.api.models.base import Rows

    wanted = getattr(desk.args, "of", None)
    found: Rows[Question] = Rows()
    notes, refused = list[str](), list[Exception]()
    asked = [wanted] if wanted else list(_PARTS)
    for of in asked:
        try:
            rows, made, note = await _PARTS[of](desk)
        except (LoginRequired, NotAllowed, NotSignedIn, Absent) as error:
            refused.append(error)
            notes.append(
                f"Not listed: the approvals of {'automations' if of == 'automation' else 'the ' + of}. {error}"
            )
            continue
        found.extend(map(made, rows))
        found.bad += rows.bad
        notes += [note] if note else []
    if len(refused) == len(asked):
        raise refused[0]
    desk.notes += notes
    return found


def _answering(decision: str) -> Any:
    async def call(desk: Desk) -> Any:
        approvals = desk.client.approvals
        answer = approvals.answer_flow if desk.item.of == "automation" else approvals.answer_control
        await answer(desk.key, decision, desk.args.note)

    return (off(call),)


def _check(args: argparse.Namespace) -> None:
    from mogplex_tui.api.rules import units
    from mogplex_tui.cli.common import Stop
    from mogplex_tui.cli.exits import Exit

    if args.note is not None and units(args.note) > 2000:
        raise Stop(Exit.USAGE, "note must be at most 2000 characters")


_NOTE = (option("--note", metavar="TEXT", help="what to tell the agent; - reads it from stdin"),)

FAMILY = Family(
    name="approvals",
    noun="approval",
    columns=(
        Column("ID", "id"),
        Column("OF", "of"),
        Column("KIND", "kind", priority=3),
        Column("AGE", "created_at"),
        Column("WHO", "who", priority=2),
        Column("WHERE", "where", priority=1),
        Column("URGENCY", "urgency", wide=True),
        Column("JOB", "job_run_id", wide=True),
        Column("RUN", "run_id", wide=True),
        Column("EXPIRES", "expires_at", wide=True),
        Column("QUESTION", "question"),
        Column("INPUT", "input", wide=True),
    ),
    roads=(off(_list),),
    names=(),
    options=(option("--of", choices=KINDS, help="only those of automations, or of the orchestrator"),),
    verbs=(
        Verb(
            "approve",
            "say yes, so that the work goes on",
            _answering("approve"),
            options=_NOTE,
            question="Approve {}?",
            done="{} is approved.",
            check=_check,
        ),
        Verb(
            "deny",
            "say no; a denied tool call is told to the agent, a denied question fails its step",
            _answering("deny"),
            options=_NOTE,
            question="Deny {}?",
            done="{} is denied.",
            check=_check,
        ),
    ),
)
add_arguments, run = command(FAMILY)
