"""Approvals: every question that waits for a person, of automations and of the orchestrator (routing.md §3.15, §3.16)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds import parts as p
from mogplex_tui.operate.kinds.base import Kind, Lender, dressed, listed, reading, road
from mogplex_tui.operate.kinds.readings import Part, in_parts
from mogplex_tui.operate.kinds.verb import Verb, verb

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.collection import Item, Listing
    from mogplex_tui.live.session import Session
    from mogplex_tui.operate.kinds.base import Context, Fact

_FAMILIES = (Family.FLOWS, Family.APPROVALS)
_MORE = "More wait behind these: the service tells the oldest 50 of automations."


def _dress(row: Any) -> dict[str, Any]:
    return dressed(row, "sort who input_text if_denied", asked=row.question, repo=row.where)


async def _of_flows(client: ClientView, _: Session) -> Listing:
    found = await client.approvals.of_flows()
    return listed(found.approvals, dress=_dress)._replace(notice=_MORE if found.has_more else "")


_of_control = reading(lambda client: client.approvals.of_control(), lambda _, row: _dress(row))
_READ = in_parts(
    "approvals",
    Part("flows", "Approvals of automations are", _of_flows, Family.FLOWS),
    Part("control", "Approvals of the orchestrator are", _of_control, Family.APPROVALS),
)
_ALL = c.groups(
    "asked; tool: tool_name|wait_config.toolName; kind: sort; urgency",
    "by: who|automation; repo; step: wait_config.nodeLabel|node_id; if denied: if_denied",
    "runs out: expires_at; asked at: created_at",
)


def _facts(item: Item, context: Context) -> list[list[Fact]]:
    """Of a tool that nothing is said of beyond its name, the name is told once."""
    again = ("tool", c.value(item, "asked"))
    return [[fact for fact in group if fact[:2] != again] for group in _ALL(item, context)]


def _answer(decision: str) -> Callable[[ClientView, Item, str], Awaitable[None]]:
    async def answer(client: ClientView, item: Item, note: str) -> None:
        flow, control = client.approvals.answer_flow, client.approvals.answer_control
        send = control if c.value(item, "sort") == "control" else flow
        await send(item.key, decision, note.strip() or None)

    return answer


def _note(text: str) -> str | None:
    return None if len(text) <= 2000 else "A note has at most 2000 characters."


def _decides(decision: str, key: str, about: str) -> Verb:
    return (
        verb(decision, key, about)
        .sends(_answer(decision))
        .only(p.while_not_in("expired", why="Its time is over."))
        .asks("The answer is final.")
        .wants("A note for the record, or nothing", check=_note)
        .by(*_FAMILIES)
    )


KIND = Kind(
    name="approvals",
    title="Approvals",
    noun="approval",
    aliases=("approval", "ap"),
    contract="routing.md §3.15, §3.16",
    roads=tuple(road(each, _READ, "job_runs", every=15, blind=10).partly() for each in _FAMILIES),
    beside={"automations": Lender("by")},
    lend=p.lending(p.running_out, p.automation_names),
    ages=True,
    ends=p.ending("expires_at"),
    fields=(
        c.state("status", width=11, priority=0),
        c.left("expires_at", "LEFT", 5, key="left", priority=0),
        c.text("sort", "KIND", 7, "dim", key="kind", priority=3),
        c.text("asked", "ASKED", 44, flex=3, min_width=34),
        c.text("who|automation", "BY", 16, key="by", flex=1, min_width=10, priority=1),
        c.repo("repo", 16, priority=2),
        c.text("urgency", "URGENCY", 8, "dim", priority=3),
        c.age("created_at", key="age", priority=1),
    ),
    search=c.searching("tool_name flow_id job_run_id"),
    default_sort=c.by("due", "created_at"),
    descending=False,
    label=c.named("“{asked:60}”"),
    facts=_facts,
    links=p.links(
        p.to("jobs", "job", "job_run_id", "automation"),
        p.to("automations", "automation", "flow_id", "automation"),
        p.to("runs", "call", "ai_call_id", "tool_name"),
    ),
    texts=c.texts(("What the tool would get", "input_text")),
    texts_first=True,
    verbs=(
        _decides("approve", "a", "Say yes; a note is optional.").says("approving", "{} is approved."),
        _decides("deny", "d", "Say no; a note is optional.").says("denying", "{} is denied."),
    ),
    empty="Nothing waits for a person.",
    needs=p.session_needed("Approvals") + " :jobs state:waiting shows runs of automations that wait.",
)
