"""Automations: will it fire, in which version, did it work, and what presses on it (routing.md §3, v1.md §5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Item, Listing, Road
from mogplex_tui.operate import words
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds.base import Context, Fact, Kind, Link, Verb, Wish, listed
from mogplex_tui.operate.kinds.parts import activity, job_link, session_needed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session


def _draft(flow: Any) -> str:
    version = flow.published_version
    return "unpublished" if version is None else "differs" if flow.draft_graph != version.graph else ""


async def _flows(client: ClientView, _: Session) -> Listing:
    def dress(flow: Any) -> dict[str, Any]:
        version = flow.published_version
        return {
            **flow.__dict__,
            "road": "flows",
            "version": version.version_number if version else None,
            "draft": _draft(flow),
            "published": flow.published_version_id is not None,
        }

    return listed(await client.flows.list(), dress=dress)


async def _v1(client: ClientView, _: Session) -> Listing:
    def dress(row: Any) -> dict[str, Any]:
        return {**row.__dict__, "road": "v1", "published": row.published_version_id is not None}

    return listed(await client.automations.list(), dress=dress)


async def _one(client: ClientView, item: Item) -> Item:
    """The automation with its newest runs, whose steps say where each stands."""
    if c.value(item, "road") == "flows":
        return Item(item.key, {**item.record, "runs": await client.flows.runs(item.key, 12)}, item.raw)
    whole = await client.automations.get(item.key)
    version = whole.published_version
    more = {
        "version": version.version_number if version else None,
        "draft": _draft(whole),
        "published": version is not None,
        "runs": await client.automations.runs(item.key, 12),
    }
    return Item(item.key, {"road": "v1", **(item.record or {}), **whole.__dict__, **more}, item.raw)


async def _set_active(client: ClientView, item: Item, active: bool) -> None:
    await client.flows.set_active(item.key, active)


async def _publish(client: ClientView, item: Item, _: str) -> None:
    family = client.flows if c.value(item, "road") == "flows" else client.automations
    await family.publish(item.key)


def _repos(item: Item, session: Session) -> Sequence[tuple[str, str]]:
    if session.target.token is None:
        # v1 takes tokens alone; the session's own route has no choice of repository (routing.md §3.11).
        return [("", "the automation's own test: with a browser session alone the service chooses")]
    names = dict(session.names.repos)
    for repo in session.store.set("projects").rows.values():
        # Where more is known, only what the automation's installation covers is offered, sub-projects told apart.
        at = c.value(repo, "github_installation_id|installation_id")
        if at is not None and at != c.value(item, "installation_id"):
            names.pop(repo.key, None)
        elif repo.key in names:
            names[repo.key] = f"{names[repo.key]} {c.value(repo, 'root_directory') or ''}".strip()
    return sorted(names.items(), key=lambda pair: pair[1])


async def _trigger(client: ClientView, item: Item, repo_id: str, key: str) -> Any:
    from mogplex_tui.api.models.automation_drafts import AutomationTrigger

    if client.target.token is None:
        return await client.flows.test(item.key)
    return await client.automations.trigger(item.key, AutomationTrigger(repo_id=repo_id.strip()), key)


def _triggered(run: Any) -> tuple[bool, str]:
    if run.outcome == "suppressed":
        return False, f"{{}} was not set off: {words.reason(run.reason) or 'the service does not say why'}."
    if run.started:
        return True, "{} is set off: job " + words.short_id(run.job_run_id) + "."
    return True, f"{{}} is queued: {words.reason(run.reason) or 'it starts when there is room'}."


def _why_not(active: bool) -> Any:
    def why_not(item: Item) -> str | None:
        if c.value(item, "road") != "flows":
            return session_needed("Pausing and activating automations")
        if not c.value(item, "published"):
            return "It was never published: publish it first."
        return (
            None
            if (c.value(item, "status") == "active") is not active
            else f"It is {c.value(item, 'status')} already."
        )

    return why_not


def _steps(run: Any) -> str:
    done = " ".join(
        f"{words.state(step.status)[0]} {step.node_label or step.node_id}" for step in run.node_runs
    )
    glyph, name, _ = words.state(run.status)
    waits = "  waits for a person" if run.active_wait_count else ""
    return f"{glyph} {name:<10} {words.local(run.created_at)}  {words.short_id(run.id)}{waits}\n    {done or words.DASH}"


def _facts(item: Item, context: Context) -> list[list[Fact]]:
    return [
        c.group(item, "status: status; source: source_kind; what: description"),
        c.group(item, "version: version; draft: draft; webhook secret: webhook_configured"),
        *activity(item, context),
        c.group(item, "installation: installation_id; notes: notes"),
        [c.when(item, "created", "created_at", context), c.when(item, "changed", "updated_at", context)],
    ]


KIND = Kind(
    name="automations",
    title="Automations",
    noun="automation",
    aliases=("automation", "auto", "flows", "flow", "au"),
    contract="routing.md §3, v1.md §5",
    roads=(
        Road(Family.FLOWS, _flows, frozenset({"job_runs"}), every=60.0, blind=20.0),
        Road(
            Family.V1,
            _v1,
            every=90.0,
            blind=45.0,
            notice="v1 lists automations; how their runs went, and pausing them, needs a browser session.",
        ),
    ),
    fields=(
        c.state("status", width=10, priority=0),
        c.text("name", "AUTOMATION", 24, flex=2, min_width=24),
        c.text("source_kind", "SOURCE", 9, "dim", key="source", priority=3),
        c.count("version", "VER", 4, priority=1),
        c.text("draft", "DRAFT", 11, "warn", priority=3),
        c.state("last_run_status", "LAST", 12, priority=0),
        c.age("last_run_started_at|updated_at", key="age", priority=0),
        c.count("running_count", "RUN", 4, key="running", priority=1),
        c.count("pending_count", "WAIT", 4, key="waiting", priority=2),
        c.count("failed_24h", "FAIL", 4, key="failed", priority=1),
        c.count("suppressed_24h", "SUPPR", 5, key="suppressed", priority=4),
        c.trouble("last_run_error"),
    ),
    search=c.searching("name", "status", "source_kind", "last_run_status", "last_run_error", "description"),
    default_sort=c.by("last_run_started_at|updated_at"),
    label=lambda record: str(c.value(record, "name") or c.value(record, "id")),
    facts=_facts,
    links=lambda item: [
        Link("jobs", "its jobs", "jobs", filter=f"parent:{item.key[:8]}"),
        *job_link(item, "last_job_run_id", "last job"),
        Link("approvals", "what waits for a person", "approvals", filter=f"flowid:{item.key[:8]}"),
    ],
    texts=lambda item: (
        [("Newest runs", "\n".join(map(_steps, runs)))] if (runs := c.value(item, "runs")) else []
    ),
    one=_one,
    verbs=(
        Verb(
            "trigger",
            "run now",
            "n",
            "Set it off once for a repository.",
            _trigger,
            why_not=lambda item: (
                None if c.value(item, "status") == "active" else "It is paused: activate it first."
            ),
            doing="setting off",
            wish=Wish(
                "For which repository",
                choices=_repos,
                check=lambda text: None if text.strip() else "Give the id of a repository.",
            ),
            told=_triggered,
            keyed=True,
        ),
        Verb(
            "activate",
            "activate",
            "e",
            "Let it fire.",
            lambda client, item, _: _set_active(client, item, True),
            why_not=_why_not(True),
            doing="activating",
            done="{} is active.",
            many=True,
        ),
        Verb(
            "pause",
            "pause",
            "d",
            "Keep it from firing.",
            lambda client, item, _: _set_active(client, item, False),
            why_not=_why_not(False),
            doing="pausing",
            means=("What runs goes on; nothing new is started until it is activated.",),
            go="Pause it",
            done="{} is paused.",
            many=True,
        ),
        Verb(
            "publish",
            "publish",
            "P",
            "Make the draft the version that runs.",
            _publish,
            doing="publishing",
            means=("The draft becomes a new version and runs from now on, also if it was paused.",),
            go="Publish it",
            done="{} is published.",
        ),
    ),
    empty="No automations. They are drawn in the browser, under Automations.",
    needs=session_needed("Automations"),
)
