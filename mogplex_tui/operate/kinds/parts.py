"""What several kinds have in common: switching something on and off, deleting it, and the sentence for a closed road."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mogplex_tui.operate import words
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds.base import Context, Fact, Link, Verb

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.collection import Item, Listing


def session_needed(what: str) -> str:
    """Return the sentence for rows that a token alone cannot see, with the way to see them."""
    return (
        f"{what} need a browser session on this service: "
        "mogplex-tui login --session adds one, or set MOGPLEX_SESSION_COOKIE."
    )


def switches(
    switch: Callable[[ClientView, Item, bool], Awaitable[Any]],
    path: str = "enabled",
    *,
    on: str = "Let it be used.",
    off: str = "Keep it from being used.",
    means: str = "",
) -> tuple[Verb, Verb]:
    """Return the two verbs that switch a record on and off by the flag at `path`; `means` is asked before off."""
    return (
        Verb(
            "enable",
            "enable",
            "e",
            on,
            lambda client, item, _: switch(client, item, True),
            why_not=lambda item: "It is enabled already." if c.value(item, path) else None,
            doing="enabling",
            done="{} is enabled.",
            many=True,
        ),
        Verb(
            "disable",
            "disable",
            "d",
            off,
            lambda client, item, _: switch(client, item, False),
            why_not=lambda item: None if c.value(item, path) else "It is disabled already.",
            doing="disabling",
            means=(means,) if means else (),
            go="Disable it",
            done="{} is disabled.",
            many=True,
        ),
    )


def deletes(
    delete: Callable[[ClientView, Item], Awaitable[Any]],
    means: str,
    *,
    about: str = "Delete it for good.",
    why_not: Callable[[Item], str | None] = lambda _: None,
) -> Verb:
    """Return the verb that deletes a record, with what goes with it in the question."""
    return Verb(
        "delete",
        "delete",
        "ctrl+d",
        about,
        lambda client, item, _: delete(client, item),
        why_not=why_not,
        doing="deleting",
        means=(means,),
        go="Delete it",
        done="{} is deleted.",
        footer=False,
    )


def activity(item: Item, context: Context) -> list[list[Fact]]:
    """Return the facts of what something's runs came to: did it work, what presses on it (routing.md §1.1)."""
    return [
        [
            *c.facts(item, ("last run", "last_run_status")),
            c.when(item, "started", "last_run_started_at", context),
            *c.facts(item, ("last error", "last_run_error")),
        ],
        [
            *c.facts(
                item,
                ("running", "running_count"),
                ("pending", "pending_count"),
                ("failed 24 h", "failed_24h"),
                ("suppressed", "suppressed_24h"),
                ("deferred", "deferred_24h"),
                ("start failed", "start_failed_24h"),
            ),
            reason(item, "pressure", "last_pressure_reason"),
        ],
    ]


def reason(item: Item, label: str, path: str) -> Fact:
    """Return a fact of a code of the dispatch ledger, in words."""
    told = words.reason(c.value(item, path), c.value(item, "metadata"))
    return (label, told, "plain") if told else (label, words.DASH, "dim")


def job_link(item: Item, path: str, label: str = "job") -> list[Link]:
    """Return the way to the job whose id is at `path`, none without one."""
    job = c.value(item, path)
    return [Link(label, str(job)[:8], "jobs", key=str(job))] if job else []


def repo_link(item: Item, key: str, name: str) -> list[Link]:
    """Return the way to the repository whose id is at the path `key`, none without one."""
    repo = c.value(item, key)
    return [Link("repo", str(c.value(item, name) or repo)[:60], "projects", key=str(repo))] if repo else []


def hidden(listing: Listing, *keys: str) -> Listing:
    """Return a listing whose raw JSON lacks the values of these keys: what may be a secret under a harmless name."""

    def masked(raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        # A value that is missing stays missing, so that one sees that there is none.
        return {key: "[hidden]" if key in keys and value else value for key, value in raw.items()}

    return replace(listing, items=[replace(item, raw=masked(item.raw)) for item in listing.items])
