"""Automations: will it fire, in which version, did it work, and what presses on it (routing.md §3, v1.md §5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Item
from mogplex_tui.operate import answers, choices, passages
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds import parts as p
from mogplex_tui.operate.kinds.base import Kind, Lender, dressed, reading, road, with_more
from mogplex_tui.operate.kinds.verb import verb

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.resources import automations, flows

_flows = reading(lambda client: client.flows.list(), lambda _, row: dressed(row, "version draft", flow=True))
_v1 = reading(lambda client: client.automations.list(), lambda _, row: dressed(row))


def _family(client: ClientView, item: Item) -> flows.FlowsResource | automations.AutomationsResource:
    return client.flows if c.value(item, "flow") else client.automations


async def _one(client: ClientView, item: Item) -> Item:
    """Return the automation with its newest runs, whose steps tell where each stands."""
    runs = await _family(client, item).runs(item.key, 12)
    if c.value(item, "flow"):
        return with_more(item, {"runs": runs})
    # The token API tells of the last run here only: its list and its record leave that out (v1.md §5.1).
    more = dressed(await client.automations.get(item.key), "version draft")
    last = runs[0] if runs else None
    told = {
        "last_job_run_id": last and last.id,
        "last_run_status": last and last.status,
        "last_run_started_at": last and last.started_at,
        "last_run_error": last and last.error,
    }
    return with_more(item, {**more, **told, "runs": runs})


async def _trigger(client: ClientView, item: Item, repo_id: str, key: str, _: bool) -> Any:
    from mogplex_tui.api.models.automation_drafts import AutomationTrigger

    if not repo_id:
        return await client.flows.test(item.key)
    return await client.automations.trigger(item.key, AutomationTrigger(repo_id=repo_id.strip()), key)


_SAME = "There is no draft that differs from the version that runs."
_PUBLISHED = p.having("published_version_id", "It was never published: publish it first.")

KIND = Kind(
    name="automations",
    title="Automations",
    noun="automation",
    aliases=("automation", "auto", "flows", "flow", "au"),
    contract="routing.md §3, v1.md §5",
    roads=(
        road(Family.FLOWS, _flows, "job_runs", every=60, blind=20).partly(),
        road(Family.V1, _v1, every=90, blind=45).hiding(
            p.token_shows(
                "names and states, and an automation's page its newest runs",
                "counts of runs, and pausing and activating,",
            ),
            "source version draft last_run_status running waiting failed suppressed error",
        ),
    ),
    beside={"projects": Lender()},
    fields=(
        c.state("status", width=13, priority=0),
        c.text("name", "AUTOMATION", 24, flex=2, min_width=15),
        c.text("source_kind", "SOURCE", 9, "dim", key="source", priority=3),
        c.count("version", "VER", 4, priority=2),
        c.text("draft", "DRAFT", 11, "warn", priority=3),
        c.state("last_run_status", "LAST", 11, priority=0, stands=False),
        c.age("last_run_started_at|updated_at", key="age", priority=0),
        c.count("running_count", "RUN", 4, key="running", priority=2),
        c.count("pending_count", "WAIT", 4, key="waiting", priority=2),
        c.count("failed_24h", "FAIL", 4, "error", key="failed", priority=1),
        c.count("suppressed_24h", "SUPPR", 5, "warn", key="suppressed", priority=4),
        c.trouble("last_run_error", 16),
    ),
    search=c.searching("description"),
    default_sort=c.by("last_run_started_at|updated_at"),
    label=c.named("{name|id}"),
    facts=c.groups(
        "status: status as state; source?: source_kind; what?: description",
        "version?: version; draft?: draft; webhook secret?: webhook_configured; installation: installation_id;"
        " notes?: notes",
        *p.ACTIVITY,
        "created: created_at; changed: updated_at",
    ),
    links=p.links(
        p.among("jobs", "jobs", "its jobs", "parent:{id:8}"),
        p.to("jobs", "last job", "last_job_run_id"),
        p.among("approvals", "approvals", "what waits for a person", "flowid:{id:8}"),
        p.among("dispatch", "ledger", "why it did or did not fire", "flowid:{id:8}"),
    ),
    texts=c.texts(("Newest runs", "runs", passages.automation_run)),
    one=_one,
    verbs=(
        verb("trigger", "n", "Set it off once for a repository.", "run now")
        .sends_keyed(_trigger)
        .only(p.while_in("active", why="It is paused: activate it first."))
        .wants("For which repository", choices.where_to_run, check=p.wanted("Give the id of a repository."))
        .tells("setting off", answers.triggered)
        .by(Family.V1, Family.FLOWS),
        verb("activate", "e", "Let it fire.")
        .sends(lambda client, item, _: client.flows.set_active(item.key, True))
        .only(_PUBLISHED, p.while_not_in("active", why="It is {status or unknown} already."))
        .says("activating", "{} is active.")
        .by(Family.FLOWS, needing="Pausing and activating automations")
        .for_many(),
        verb("pause", "d", "Keep it from firing.")
        .sends(lambda client, item, _: client.flows.set_active(item.key, False))
        .only(_PUBLISHED, p.while_in("active", why="It is {status or unknown} already."))
        .asks("What runs goes on; nothing new is started until it is activated.", go="Pause it")
        .says("pausing", "{} is paused.")
        .by(Family.FLOWS, needing="Pausing and activating automations")
        .for_many(),
        verb("publish", "P", "Make the draft the version that runs.")
        .sends(lambda client, item, _: _family(client, item).publish(item.key))
        # v1 does not say in its list whether there is a draft.
        .only(lambda item: _SAME if c.value(item, "flow") and not c.value(item, "draft") else None)
        .asks("The draft becomes a new version and runs from now on, also if it was paused.", go="Publish it")
        .says("publishing", "{} is published.")
        .by(Family.V1, Family.FLOWS),
    ),
    empty="No automations. They are drawn in the browser, under Automations.",
    needs=p.session_needed("Automations"),
)
