"""The events that occur in all streams, and the reasons why a stream ended.

Contract: sandboxes.md §0, errors.md §2.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import AliasChoices, Field

from mogplex_tui.api.models.base import Inbound, Text


class StreamEndKind(StrEnum):
    """The reasons why a stream ended."""

    DONE = "done"
    """An event reported success."""
    FAILED = "failed"
    """An event reported a failure."""
    CANCELLED = "cancelled"
    """An event reported a cancellation."""
    CUT = "cut"
    """The connection was lost before an event reported the end."""
    LEFT = "left"
    """The caller left the stream."""


@dataclass(frozen=True)
class StreamEnd:
    """The reason why a stream ended, with a message.

    `message` is empty if there is none.
    """

    kind: StreamEndKind
    message: str = ""


class StreamEvent(Inbound):
    """Base class of the events of a stream.

    `type` is the name that the service gives to this type of event.
    """

    type: Text = ""

    @property
    def end(self) -> StreamEnd | None:
        """The reason why the stream ended, or None if this event does not end it."""
        return None

    @property
    def is_final(self) -> bool:
        """Whether the reader can stop after this event, because none of interest follows."""
        return False


class UnknownEvent(StreamEvent):
    """An event that is malformed or whose type is unknown.

    `raw` is its JSON, and `reason` says why it could not be parsed.
    """

    raw: Any = None
    reason: Text = ""


class Output(StreamEvent):
    """Event with output of a program.

    `data` may begin and end in the middle of a line. `stream` is stdout or stderr.
    """

    stream: Text = ""
    data: Text = ""


class StreamFailed(StreamEvent):
    """Event sent when the work that the stream reports has failed.

    While a sandbox boots, `phase` is the name of the phase that failed.
    """

    text: Text = Field(default="", validation_alias=AliasChoices("message", "data", "errorText", "text"))
    phase: str | None = None

    @property
    def end(self) -> StreamEnd:
        """The reason why the stream ended: FAILED, with the service's message."""
        return StreamEnd(StreamEndKind.FAILED, self.text)

    @property
    def is_final(self) -> bool:
        """Always True: no event follows a failure."""
        return True


class StreamCancelled(StreamEvent):
    """Event sent when the work that the stream reports was cancelled."""

    reason: Text = ""
    message: Text = ""

    @property
    def end(self) -> StreamEnd:
        """The reason why the stream ended: CANCELLED, with the service's message."""
        return StreamEnd(StreamEndKind.CANCELLED, self.message or self.reason)

    @property
    def is_final(self) -> bool:
        """Always True: no event follows a cancellation."""
        return True
