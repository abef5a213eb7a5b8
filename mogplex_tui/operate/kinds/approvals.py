"""Approvals: every question that waits for a person, of automations and of the orchestrator (routing.md §3.15, §3.16)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Item, Listing, Road
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds.base import Context, Fact, Kind, Link, Verb, Wish, listed
from mogplex_tui.operate.kinds.parts import job_link, session_needed

if TYPE_CHECKING:
    from datetime import datetime

    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session


async def _read(client: ClientView, session: Session) -> Listing:
    """Both sorts in one list; the one that this credential cannot see is left out."""
    now = session.clock.now()
    items: list[Item] = []
    notice = ""
    if session.open(Family.FLOWS):
        found = await client.approvals.of_flows()
        notice = (
            "More wait behind these: the service tells the oldest 50 of automations."
            if found.has_more
            else ""
        )
        items += listed(found.approvals, dress=lambda row: _of_flow(row) | _due(row, now)).items
    if session.open(Family.APPROVALS):
        rows = await client.approvals.of_control()
        items += listed(rows, dress=lambda row: _of_control(row) | _due(row, now)).items
    return Listing(items, notice=notice)


def _due(row: Any, now: datetime) -> dict[str, Any]:
    """What runs out first is first; then what never does, then what is over: the service lists that as well."""
    over = row.expires_at is not None and row.expires_at <= now
    due = 2e12 if over else 1e12 if row.expires_at is None else row.expires_at.timestamp()
    return {"status": "expired" if over else "waiting", "due": due}


def _of_flow(row: Any) -> dict[str, Any]:
    manual = row.kind == "manual_approval"
    return {
        **row.__dict__,
        "sort": "step" if manual else "tool",
        "road": "flows",
        "asked": row.question,
        "who": row.who,
        "repo": row.where,
        "input": row.tool_input,
        "denied": "A denied step fails." if manual else "The model is told no and goes on.",
    }


def _of_control(row: Any) -> dict[str, Any]:
    return {
        **row.__dict__,
        "sort": "control",
        "road": "control",
        "asked": row.summary or row.tool_name,
        "who": "orchestrator",
        "repo": row.tool_input.get("repo") if isinstance(row.tool_input, dict) else None,
        "input": None if row.tool_input is None else json.dumps(row.tool_input, indent=2, default=str),
        "denied": "The tool is not called.",
    }


def _answer(decision: str) -> Any:
    async def answer(client: ClientView, item: Item, note: str) -> None:
        send = (
            client.approvals.answer_flow
            if c.value(item, "road") == "flows"
            else client.approvals.answer_control
        )
        await send(item.key, decision, note.strip() or None)

    return answer


def _note(text: str) -> str | None:
    return None if len(text) <= 2000 else "A note has at most 2000 characters."


def _verb(decision: str, key: str, about: str, doing: str, past: str) -> Verb:
    return Verb(
        decision,
        decision,
        key,
        about,
        _answer(decision),
        why_not=lambda item: "Its time is over." if c.value(item, "status") == "expired" else None,
        doing=doing,
        wish=Wish("A note for the record, or nothing", check=_note, optional=True),
        means=("The answer is final.",),
        done=f"{{}} is {past}.",
    )


def _facts(item: Item, context: Context) -> list[list[Fact]]:
    return [
        c.group(item, "asked: asked; tool: tool_name|wait_config.toolName; kind: sort; urgency: urgency"),
        c.group(item, "by: who; repo: repo; step: wait_config.nodeLabel|node_id; if denied: denied"),
        [c.when(item, "runs out", "expires_at", context), c.when(item, "asked at", "created_at", context)],
    ]


KIND = Kind(
    name="approvals",
    title="Approvals",
    noun="approval",
    aliases=("approval", "ap"),
    contract="routing.md §3.15, §3.16",
    roads=(
        Road(Family.FLOWS, _read, frozenset({"job_runs"}), every=15.0, blind=10.0),
        Road(Family.APPROVALS, _read, frozenset({"job_runs"}), every=15.0, blind=10.0),
    ),
    fields=(
        c.state("status", width=10, priority=0),
        c.left("expires_at", "LEFT", 5, key="left", priority=0),
        c.text("sort", "KIND", 7, "dim", key="kind", priority=2),
        c.text("asked", "ASKED", 30, flex=3, min_width=20),
        c.text("who", "BY", 16, key="by", flex=1, min_width=10, priority=1),
        c.text("repo", "REPO", 16, key="repo", flex=1, min_width=12, cut="middle", priority=2),
        c.text("urgency", "URGENCY", 8, "dim", priority=3),
        c.age("created_at", key="age", priority=1),
    ),
    search=c.searching("asked", "sort", "who", "repo", "urgency", "tool_name", "flow_id", "job_run_id"),
    default_sort=c.by("due", "created_at"),
    descending=False,
    label=lambda record: f"\u201c{str(c.value(record, 'asked'))[:60]}\u201d",
    facts=_facts,
    links=lambda item: [
        *job_link(item, "job_run_id"),
        *(
            [Link("automation", flow[:8], "automations", key=flow)]
            if (flow := c.value(item, "flow_id"))
            else []
        ),
        *([Link("call", call[:8], "runs", key=call)] if (call := c.value(item, "ai_call_id")) else []),
    ],
    texts=lambda item: [("What the tool would get", text)] if (text := c.value(item, "input")) else [],
    verbs=(
        _verb("approve", "a", "Say yes; a note is optional.", "approving", "approved"),
        _verb("deny", "d", "Say no; a note is optional.", "denying", "denied"),
    ),
    empty="Nothing waits for a person.",
    needs=session_needed("Approvals"),
)
