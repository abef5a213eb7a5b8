"""The plan of a call: its events with their times, and its end.

The seed writes all events of a plan at once, and the simulator writes them at their times, so
that both produce the same kind of calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, NamedTuple


class CallKind(StrEnum):
    """The kind of a call; it determines the messages of the call's events (v1.md §8)."""

    HARNESS = "harness"
    CHAT = "chat"
    CONTROL = "control"
    NODE = "node"

    @property
    def subject(self) -> str:
        """The words that the call's event messages begin with, such as "Chat run"."""
        return _TITLES[self]


_TITLES = {
    CallKind.HARNESS: "Harness run",
    CallKind.CHAT: "Chat run",
    CallKind.CONTROL: "Control run",
    CallKind.NODE: "Agent run",
}


class Step(NamedTuple):
    """A planned event of a call, `after` seconds after the previous event."""

    after: float
    type: str
    message: str
    payload: dict[str, Any]
    tool: str | None = None


class Usage(NamedTuple):
    """The token counts of a call; `input` does not include cached tokens.

    observability.md §6.
    """

    input: int
    output: int
    cache_read: int = 0
    cache_creation: int = 0
    reasoning: int = 0

    def scaled(self, share: float) -> Usage:
        """Return the token counts multiplied by `share`."""
        return Usage(
            int(self.input * share),
            int(self.output * share),
            int(self.cache_read * share),
            int(self.cache_creation * share),
            int(self.reasoning * share),
        )


class CallPlan(NamedTuple):
    """The plan of one call: its events, its end, and values of its row."""

    kind: CallKind
    opening: tuple[Step, ...]
    steps: tuple[Step, ...]
    ending: Step
    status: str
    error: str | None
    failure_class: str | None
    usage: Usage | None
    runtime_command_id: str | None
    tool_calls: tuple[dict[str, Any], ...]
    metadata: dict[str, Any]

    def seconds(self) -> float:
        """Return the planned duration of the call in seconds."""
        return sum(step.after for step in self.everything())

    def everything(self) -> Iterator[Step]:
        """Yield all steps in order, including the one that ends the call."""
        yield from self.opening
        yield from self.steps
        yield self.ending
