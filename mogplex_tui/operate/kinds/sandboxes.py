"""Sandboxes: the machines that agents work in, what they cost and what is wrong with them (sandboxes.md; v1.md §4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live import sandbox_logs
from mogplex_tui.operate import answers
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds import parts as p
from mogplex_tui.operate.kinds.base import Kind, Logs, reading, road, with_names
from mogplex_tui.operate.kinds.verb import verb

if TYPE_CHECKING:
    from mogplex_tui.live.session import Session


def _dress(session: Session, row: Any) -> dict[str, Any]:
    return with_names(session, row, "status error health")


_records = reading(lambda client: client.sandboxes.records(), _dress)
_v1 = reading(lambda client: client.sandboxes.list(), _dress)


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


KIND = Kind(
    name="sandboxes",
    title="Sandboxes",
    noun="sandbox",
    aliases=("sandbox", "sbx", "sb"),
    contract="sandboxes.md, v1.md §4",
    roads=(
        road(Family.SANDBOX, _records, "sandboxes", every=60, blind=20),
        road(Family.V1, _v1, "sandboxes", every=60, blind=20).hiding(
            p.token_shows("states and errors", "health and changes of sandboxes")
        ),
    ),
    fields=(
        c.state("status", width=12, priority=0),
        c.repo("repo_name|repo_id"),
        c.text("working_branch", "BRANCH", 22, key="branch", flex=2, min_width=12, cut="middle", priority=1),
        c.reason("health", "HEALTH", 12, priority=3),
        c.age("last_active_at", "ACTIVE", 6, key="active", priority=0),
        c.age("created_at", "AGE", 4, key="age", priority=4),
        p.why("error", "stop_reason"),
    ),
    search=c.searching("sandbox_id runtime", project="repo_id"),
    default_sort=c.by("last_active_at"),
    label=c.named("{repo_name or sandbox} {working_branch}"),
    facts=c.groups(
        "status: status as state; health: health as reason; why stopped: stop_reason as reason; error: error as error",
        "repo: repo_name|repo_id; branch: working_branch; base: base_branch; root: root_directory",
        "preview: runtime_summary.preview_url|preview_url; runtime",
        "created: created_at; last active: last_active_at",
        "machine: sandbox_id",
    ),
    links=p.links(
        p.to("projects", "repo", "repo_id", "repo_name|repo_id"),
        p.among("runs", "runs", "its runs", "sandbox:{id:8}"),
    ),
    url=lambda item: str(c.value(item, "runtime_summary.preview_url|preview_url") or ""),
    tail=Logs(
        sandbox_logs.read,
        frozenset({"sandboxes"}),
        over=lambda item: c.value(item, "status") in ("stopped", "error"),
        v1=sandbox_logs.by_v1,
        empty="Nothing was logged yet. Install and dev server write here.",
    ),
    verbs=(
        verb("stop", "x", "Destroy the machine; the record stays.")
        .sends(lambda client, item, _: client.sandboxes.stop(item.key))
        .only(p.while_in("running", "paused", "installing", "creating", "error"))
        .asks("The machine and its snapshots are destroyed; unpushed work on it is lost.", go="Stop it")
        .tells("stopping", answers.sandbox_stopped)
        .for_many(),
        verb("pause", "p", "Keep the machine's disk and stop paying for it.")
        .sends(lambda client, item, _: client.sandboxes.pause(item.key))
        .only(p.while_in("running"))
        .says("pausing", "{} is paused."),
        verb("resume", "u", "Wake a paused sandbox.")
        .sends(lambda client, item, _: _followed(client.sandboxes.resume(item.key)))
        .only(p.while_in("paused"))
        .says("waking", "{} is awake."),
        verb("restart", "R", "Boot the sandbox again.")
        .sends(lambda client, item, _: _followed(client.sandboxes.restart(item.key)))
        .only(p.while_in("running", "error", "stopped"))
        .asks("What runs on the machine is interrupted.")
        .says("restarting", "{} has booted again.")
        .aside(),
        verb("extend", "+", "Let a running sandbox live longer.")
        .sends(lambda client, item, text: client.sandboxes.extend(item.key, float(text)))
        .only(p.while_in("running"))
        .wants("Minutes to live longer, 1 to 300", value=lambda _: "30", check=_minutes)
        .tells("extending", answers.extended)
        .aside(),
    ),
    empty="No sandboxes. A run or an automation boots one when it needs one.",
    needs=p.login_needed("Sandboxes"),
)
