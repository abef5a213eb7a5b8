"""What several kinds have in common: verbs and when they make sense, links, and the sentence for a closed road."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from math import inf
from typing import TYPE_CHECKING, Any

from mogplex_tui.live import session
from mogplex_tui.operate.filters import quoted
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds.base import Context, Field, Lender, Link
from mogplex_tui.operate.kinds.verb import Verb, verb

if TYPE_CHECKING:
    from datetime import datetime

    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.collection import Ends, Item
    from mogplex_tui.live.session import Session

# Which jobs wait for a person is known from the questions of automations (`parked`).
WAITING = Lender(what="What waits for a person is", part="flows")

WhyNot = Callable[["Item"], str | None]
Way = Callable[["Item"], Link | None]

# Facts about recent runs: outcomes, and quota or capacity pressure (routing.md §1.1). Some routes omit them.
ACTIVITY = (
    "last run?: last_run_status as state; started?: last_run_started_at; last error?: last_run_error as error",
    "running?: running_count; pending?: pending_count; failed 24 h?: failed_24h; suppressed?: suppressed_24h;"
    "deferred?: deferred_24h; start failed?: start_failed_24h; last reason?: last_pressure_reason as reason",
)


session_needed = session.session_needed
login_needed = session.login_needed
token_shows = session.token_shows


# When a verb makes sense -------------------------------------------------------------------------------------------


def having(path: str, why: str) -> WhyNot:
    """Only where there is something at a path; else `why`, with `{path}` filled from the record."""
    said = c.named(why)
    return lambda item: None if c.value(item, path) else said(item)


def lacking(path: str, why: str) -> WhyNot:
    """Only where there is nothing at a path; else `why`, with `{path}` filled from the record."""
    said = c.named(why)
    return lambda item: said(item) if c.value(item, path) else None


def while_in(*states: str, why: str = "") -> WhyNot:
    """Only while the status is one of these; else `why`, which says that if it is empty."""
    said = c.named(why or f"It is {{status or unknown}}; this works only while it is {' or '.join(states)}.")
    return lambda item: None if c.value(item, "status") in states else said(item)


def while_not_in(*states: str, why: str) -> WhyNot:
    """Only while the status is none of these; else `why`."""
    said = c.named(why)
    return lambda item: said(item) if c.value(item, "status") in states else None


def wanted(why: str) -> Callable[[str], str | None]:
    """The check of a text that must not be empty; else `why`."""
    return lambda text: None if text.strip() else why


# Verbs -------------------------------------------------------------------------------------------------------------


def switches(
    switch: Callable[[ClientView, Item, bool], Awaitable[Any]],
    path: str = "enabled",
    *,
    on: str = "Let it be used.",
    off: str = "Keep it from being used.",
    means: str = "",
) -> tuple[Verb, Verb]:
    """Return the two verbs that switch a record on and off by the flag at `path`; `means` is asked before off."""
    enable = verb("enable", "e", on).sends(lambda client, item, _: switch(client, item, True))
    disable = verb("disable", "d", off).sends(lambda client, item, _: switch(client, item, False))
    return (
        enable.only(lacking(path, "It is enabled already.")).says(c.ENABLING, "{} is enabled.").for_many(),
        disable.only(having(path, "It is disabled already."))
        .asks(*([means] if means else []), go="Disable it")
        .says(c.DISABLING, "{} is disabled.")
        .for_many(),
    )


def deletes(
    delete: Callable[[ClientView, Item], Awaitable[Any]], means: str, *, about: str = "Delete it for good."
) -> Verb:
    """Return the verb that deletes a record, with what goes with it in the question."""
    return (
        verb("delete", "ctrl+d", about)
        .sends(lambda client, item, _: delete(client, item))
        .asks(means, go="Delete it")
        .says("deleting", "{} is deleted.")
        .aside()
    )


# Columns ----------------------------------------------------------------------------------------------------------


def why(error: str, reason: str) -> Field:
    """A column of why a record is as it is: what went wrong, or else the code of a reason in words, quietly."""
    loud, quiet = c.trouble(error), c.reason(reason, "WHY")

    def cell(item: Item, context: Context) -> tuple[str, str]:
        told = loud.cell(item, context)
        return told if told[0] else quiet.cell(item, context)

    def find(item: Item, now: datetime) -> Any:
        return next((found for each in (loud, quiet) if each.find and (found := each.find(item, now))), None)

    return loud._replace(title="WHY", cell=cell, sort=quiet.sort, find=find)


# Links -------------------------------------------------------------------------------------------------------------


def links(*ways: Way) -> Callable[[Item], list[Link]]:
    """The links of a record, without those that lead nowhere from it."""
    return lambda item: [link for way in ways if (link := way(item)) is not None]


def automation_names(session: Session) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """Lend a record the name of the automation that its `flow_id` means, from the list of automations."""
    known = session.store.set("automations").rows
    return lambda record: {"automation": c.value(known.get(record.get("flow_id") or ""), "name")}


def ending(path: str) -> Ends:
    """Return until when a record is open: the instant at a path, without one for ever."""

    def ends(item: Item) -> float:
        at = c.value(item, path)
        return inf if at is None else float(at.timestamp())

    return ends


def to(kind: str, label: str, key: str, text: str = "") -> Way:
    """A way to the record whose key is at the path `key`, called what is at the path `text`; none without a key.

    `kind` is the name of a kind, which may be filled from the record.
    """

    def way(item: Item) -> Link | None:
        found, there = c.value(item, key), c.filled(item, kind)
        if not found or there is None:
            return None
        told = c.value(item, text) if text else str(found)[:8]
        return Link(label, str(told or found)[:60], there, key=str(found))

    return way


def among(
    kind: str, label: str, text: str, narrowed: str | Callable[[Item], str | None], span: str = ""
) -> Way:
    """A way to a list, narrowed by a `/` filter that is filled from the record; none where something lacks for it.

    `span` are the paths of the two instants between which what it finds was made, with a blank between.
    """
    first, _, last = span.partition(" ")

    def way(item: Item) -> Link | None:
        found = c.filled(item, narrowed, quoted) if isinstance(narrowed, str) else narrowed(item)
        if found is None:
            return None
        since = c.value(item, first) if first else None
        made = None if since is None else (since, c.value(item, last))
        return Link(label, text, kind, filter=found, span=made)

    return way
