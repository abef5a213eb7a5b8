"""Sandboxes: the machines that agents work in, what they cost and what is wrong with them (sandboxes.md; v1.md §4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.api.errors import NotAllowed, NotFound
from mogplex_tui.live.collection import Item, Listing, Road
from mogplex_tui.live.log_tail import LogLine, lines_of
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds.base import Context, Fact, Kind, Link, Logs, Verb, Wish, listed, with_names

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.sandboxes import LifecycleEvent
    from mogplex_tui.live.session import Session


def _dress(session: Session, row: Any) -> dict[str, Any]:
    return with_names(session, row, status=row.status, error=row.error, health=getattr(row, "health", None))


async def _records(client: ClientView, session: Session) -> Listing:
    return listed(await client.sandboxes.records(), dress=lambda row: _dress(session, row))


async def _v1(client: ClientView, session: Session) -> Listing:
    return listed(await client.sandboxes.list(), dress=lambda row: _dress(session, row))


def _facts(item: Item, context: Context) -> list[list[Fact]]:
    return [
        c.facts(
            item,
            ("status", "status"),
            ("health", "health"),
            ("why stopped", "stop_reason"),
            ("error", "error"),
        ),
        c.facts(
            item,
            ("repo", "repo_name|repo_id"),
            ("branch", "working_branch"),
            ("base", "base_branch"),
            ("root", "root_directory"),
        ),
        c.facts(item, ("preview", "runtime_summary.preview_url|preview_url"), ("runtime", "runtime")),
        [
            c.when(item, "created", "created_at", context),
            c.when(item, "last active", "last_active_at", context),
        ],
        c.facts(item, ("machine", "sandbox_id")),
    ]


def _not_in(*states: str) -> Any:
    def why_not(item: Item) -> str | None:
        status = str(c.value(item, "status"))
        return (
            None
            if status in states
            else f"It is {status}; this works only while it is {' or '.join(states)}."
        )

    return why_not


async def _followed(boot: Any) -> None:
    async with boot as events:
        async for _ in events:
            pass


def _minutes(text: str) -> str | None:
    try:
        fits = 1 <= float(text) <= 300
    except ValueError:
        fits = False
    return None if fits else "Give 1 to 300 minutes."


def _by_v1(session: Session) -> bool:
    """v1 alone tells the steps of a sandbox's life beside its logs, and takes tokens alone (v1.md §4)."""
    return session.attached and session.target.token is not None and session.open(Family.V1)


async def _logs(client: ClientView, session: Session, item: Item) -> list[LogLine]:
    if _by_v1(session):
        try:
            found = await client.sandboxes.logs(item.key)
        except (NotAllowed, NotFound):
            # One of a team is not the token's; its record may hold the logs all the same.
            pass
        else:
            return [
                *lines_of("install", found.sandbox.install_log, "dim"),
                *lines_of("dev", found.sandbox.dev_log),
                *map(_step, found.lifecycle_events),
            ]
    return [
        *lines_of("install", c.value(item, "install_log"), "dim"),
        *lines_of("dev", c.value(item, "dev_log")),
    ]


def _step(event: LifecycleEvent) -> LogLine:
    told = event.event_type.replace("_", " ")
    if event.decision_code and event.decision_code != event.event_type:
        told += f": {event.decision_code.removeprefix('auto_pause_').replace('_', ' ')}"
    tone = "warn" if "failed" in told else "accent"
    return LogLine("life", told, event.created_at, tone, raw=event.model_dump(mode="json"))


KIND = Kind(
    name="sandboxes",
    title="Sandboxes",
    noun="sandbox",
    aliases=("sandbox", "sbx", "sb"),
    contract="sandboxes.md, v1.md §4",
    roads=(
        Road(Family.SANDBOX, _records, frozenset({"sandboxes"}), every=60.0, blind=20.0),
        Road(
            Family.V1,
            _v1,
            frozenset({"sandboxes"}),
            every=60.0,
            blind=20.0,
            notice="v1 lists the sandboxes; their health and what changes them needs a browser session.",
        ),
    ),
    fields=(
        c.state("status", width=12, priority=0),
        c.text("repo_name|repo_id", "REPO", 18, key="repo", flex=1, min_width=12, cut="middle"),
        c.text("working_branch", "BRANCH", 22, key="branch", flex=2, min_width=12, cut="middle", priority=1),
        c.text("health", "HEALTH", 12, "dim", priority=2),
        c.text("runtime", "RUNTIME", 10, "dim", priority=4),
        c.age("last_active_at", "ACTIVE", 6, key="active", priority=0),
        c.age("created_at", "AGE", 4, key="age", priority=2),
        c.text("stop_reason", "WHY", 14, "dim", key="why", priority=4),
        c.trouble("error"),
    ),
    search=c.searching(
        "repo_name", "working_branch", "status", "health", "stop_reason", "error", "sandbox_id"
    ),
    default_sort=c.by("last_active_at"),
    label=lambda record: (
        f"{c.value(record, 'repo_name') or 'sandbox'} {c.value(record, 'working_branch') or ''}".strip()
    ),
    facts=_facts,
    links=lambda item: [
        Link("repo", str(c.value(item, "repo_name|repo_id")), "projects", key=c.value(item, "repo_id")),
        Link("runs", "its runs", "runs", filter=f"repo:{c.value(item, 'repo_name') or ''}"),
    ],
    tail=Logs(
        _logs,
        frozenset({"sandboxes"}),
        over=lambda item: c.value(item, "status") in ("stopped", "error"),
        v1=_by_v1,
        empty="Nothing was logged yet. Install and dev server write here.",
    ),
    verbs=(
        Verb(
            "stop",
            "stop",
            "x",
            "Destroy the machine; the record stays.",
            lambda client, item, _: client.sandboxes.stop(item.key),
            why_not=_not_in("running", "paused", "installing", "creating", "error"),
            doing="stopping",
            means=("The machine and its snapshots are destroyed; unpushed work on it is lost.",),
            go="Stop it",
            done="{} is stopped.",
            many=True,
        ),
        Verb(
            "pause",
            "pause",
            "p",
            "Keep the machine's disk and stop paying for it.",
            lambda client, item, _: client.sandboxes.pause(item.key),
            why_not=_not_in("running"),
            doing="pausing",
            done="{} is paused.",
        ),
        Verb(
            "resume",
            "resume",
            "u",
            "Wake a paused sandbox.",
            lambda client, item, _: _followed(client.sandboxes.resume(item.key)),
            why_not=_not_in("paused"),
            doing="waking",
            done="{} is awake.",
        ),
        Verb(
            "restart",
            "restart",
            "R",
            "Boot the sandbox again.",
            lambda client, item, _: _followed(client.sandboxes.restart(item.key)),
            why_not=_not_in("running", "error", "stopped"),
            doing="restarting",
            means=("What runs on the machine is interrupted.",),
            done="{} has booted again.",
            footer=False,
        ),
        Verb(
            "extend",
            "extend",
            "+",
            "Let a running sandbox live longer.",
            lambda client, item, text: client.sandboxes.extend(item.key, float(text)),
            why_not=_not_in("running"),
            doing="extending",
            wish=Wish("Minutes to live longer, 1 to 300", value=lambda _: "30", check=_minutes),
            done="{} lives longer.",
            footer=False,
        ),
    ),
    empty="No sandboxes. A run or an automation boots one when it needs one.",
    needs="Sandboxes need a token or a browser session that this service accepts.",
)
