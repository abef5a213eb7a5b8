"""Events that all streams share, and the reasons why a stream ended.

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
    """It reported success."""
    FAILED = "failed"
    """It reported a failure."""
    CANCELLED = "cancelled"
    """It reported that it was cancelled."""
    CUT = "cut"
    """The connection was lost before the stream reported its end."""
    LEFT = "left"
    """The caller left the stream."""


@dataclass(frozen=True)
class StreamEnd:
    """The reason why a stream ended, with the service's message.

    `message` is empty if the service sent none.
    """

    kind: StreamEndKind
    message: str = ""


class StreamEvent(Inbound):
    """Base class of the events of a stream.

    `type` is the service's name of the kind of event.
    """

    type: Text = ""

    @property
    def end(self) -> StreamEnd | None:
        """The end of the stream if this event reports one, or None."""
        return None

    @property
    def is_final(self) -> bool:
        """Whether reading can stop after this event: no event of interest can follow."""
        return False


class UnknownEvent(StreamEvent):
    """An event that is malformed or has an unknown type.

    `raw` is its JSON and `reason` says why it was not parsed.
    """

    raw: Any = None
    reason: Text = ""


class Output(StreamEvent):
    """The event with output of a program.

    `data` may begin and end within a line. `stream` is stdout or stderr.
    """

    stream: Text = ""
    data: Text = ""


class StreamFailed(StreamEvent):
    """The event that the work which the stream reports has failed.

    While a sandbox boots, `phase` names the phase that failed.
    """

    text: Text = Field(default="", validation_alias=AliasChoices("message", "data", "errorText", "text"))
    phase: str | None = None

    @property
    def end(self) -> StreamEnd:
        """The end of the stream that this event reports: a failure, with the message."""
        return StreamEnd(StreamEndKind.FAILED, self.text)

    @property
    def is_final(self) -> bool:
        """Always True: no event follows a failure."""
        return True


class StreamCancelled(StreamEvent):
    """The event that the work which the stream reports was cancelled."""

    reason: Text = ""
    message: Text = ""

    @property
    def end(self) -> StreamEnd:
        """The end of the stream that this event reports: a cancel, with the message."""
        return StreamEnd(StreamEndKind.CANCELLED, self.message or self.reason)

    @property
    def is_final(self) -> bool:
        """Always True: no event follows a cancel."""
        return True
