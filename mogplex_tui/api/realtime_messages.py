"""Parse the messages of the realtime stream, and compute reconnection delays.

Contract: realtime.md.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from mogplex_tui.api.bounded_json import JsonError, parse
from mogplex_tui.api.sse import Comment, Data

SILENCE_TIMEOUT = 60.0
"""Seconds without data or comment after which a connection counts as dropped."""

_MAX_BACKOFF = 30.0
_MAX_HINT_MEMORY = 16 * 1024 * 1024


class Table(StrEnum):
    """The database tables whose changes the realtime stream announces.

    A client may also subscribe to other names, but the service announces nothing for them.
    Contract: realtime.md §3.
    """

    AGENTS = "agents"
    AI_CALL_EVENTS = "ai_call_events"
    AI_CALLS = "ai_calls"
    ASSIGNMENTS = "assignments"
    AUTOMATION_DISPATCH_EVENTS = "automation_dispatch_events"
    CONNECTIONS = "connections"
    GITHUB_INSTALLATIONS = "github_installations"
    JOB_RUNS = "job_runs"
    LIMIT_EVENTS = "limit_events"
    REPO_CONNECTION_OVERRIDES = "repo_connection_overrides"
    REPOS = "repos"
    SANDBOXES = "sandboxes"
    TRIGGERS = "triggers"


@dataclass(frozen=True)
class Connected:
    """The message that the stream is now open.

    The service never announces changes that happened before this message.
    """


@dataclass(frozen=True)
class Changed:
    """The message that a row of a table was inserted, updated or deleted.

    `op` is INSERT, UPDATE or DELETE. The service does not say which row changed; it may be a row of
    another account.
    """

    table: str
    op: str


@dataclass(frozen=True)
class Ping:
    """The message, sent every 25 seconds, that the stream still works."""


def parse_message(frame: Comment | Data) -> Connected | Changed | Ping | None:
    """Return the message in a frame of the stream, or None for an unknown message."""
    if isinstance(frame, Comment):
        return Connected() if frame.text == "connected" else Ping()
    try:
        data = parse(frame.text, _MAX_HINT_MEMORY)
    except JsonError:
        return None
    if not isinstance(data, dict) or not isinstance(data.get("table"), str):
        return None
    op = data.get("op")
    return Changed(data["table"], op if isinstance(op, str) else "")


def backoff(attempt: int, jitter: Callable[[], float] = random.random) -> float:
    """Return the seconds to wait before a connection attempt.

    `attempt` is 1 for the first attempt. The waits are 1, 2, 4 … 30 seconds, shortened by a random
    part of at most one half.
    """
    step = min(_MAX_BACKOFF, 2.0 ** max(0, min(attempt, 10) - 1))
    return step * (0.5 + 0.5 * jitter())
