"""The shape of a planned call: what will happen, when, and how it ends.

History writes a plan at once, the simulator plays it in time; so both tell the same kind of story.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, NamedTuple


class CallKind(StrEnum):
    """Who drives a call, which decides the words of its events (v1.md §8)."""

    HARNESS = "harness"
    CHAT = "chat"
    CONTROL = "control"
    NODE = "node"

    @property
    def subject(self) -> str:
        """The subject of the call's event messages."""
        return _TITLES[self]


_TITLES = {
    CallKind.HARNESS: "Harness run",
    CallKind.CHAT: "Chat run",
    CallKind.CONTROL: "Control run",
    CallKind.NODE: "Agent run",
}


class Step(NamedTuple):
    """One event, `after` seconds after the one before it."""

    after: float
    type: str
    message: str
    payload: dict[str, Any]
    tool: str | None = None


class Usage(NamedTuple):
    """Token counts of a call; fresh input apart from the two cached classes (observability.md §6)."""

    input: int
    output: int
    cache_read: int = 0
    cache_creation: int = 0
    reasoning: int = 0

    def scaled(self, share: float) -> Usage:
        """The part of these tokens that is spent after `share` (0…1) of the story."""
        return Usage(
            int(self.input * share),
            int(self.output * share),
            int(self.cache_read * share),
            int(self.cache_creation * share),
            int(self.reasoning * share),
        )


class Story(NamedTuple):
    """One call from the moment that its work begins: the steps before and while it streams, and its end."""

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
        """Planned seconds from the first opening step to the end."""
        return sum(step.after for step in self.everything())

    def everything(self) -> Iterator[Step]:
        """All steps in order, the terminal one last."""
        yield from self.opening
        yield from self.steps
        yield self.ending
