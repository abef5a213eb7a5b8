"""The events that all streams have in common, and the reasons why a stream ended.

Contract: sandboxes.md §0, errors.md §2.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import AliasChoices, Field

from mogplex_tui.api.models.base import Inbound, Text


class StreamEndKind(StrEnum):
    """Reason for the end of a stream."""

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
    """Reason for the end of a stream, with the service's message if there is one."""

    kind: StreamEndKind
    message: str = ""


class StreamEvent(Inbound):
    """One event of a stream. `type` is the service's name of it."""

    type: Text = ""

    @property
    def end(self) -> StreamEnd | None:
        """The end of the stream that this event reports, or None."""
        return None

    @property
    def is_final(self) -> bool:
        """Whether no event of interest can follow this one."""
        return False


class UnknownEvent(StreamEvent):
    """An event of an unknown type, or a malformed one. `raw` is its JSON."""

    raw: Any = None
    reason: Text = ""


class Output(StreamEvent):
    """Output of a program: a piece of text that may begin and end within a line.

    `stream` is stdout or stderr.
    """

    stream: Text = ""
    data: Text = ""


class StreamFailed(StreamEvent):
    """The failure of a stream. In a boot, `phase` says which phase failed."""

    text: Text = Field(default="", validation_alias=AliasChoices("message", "data", "errorText", "text"))
    phase: str | None = None

    @property
    def end(self) -> StreamEnd:
        """A failure, with the service's message."""
        return StreamEnd(StreamEndKind.FAILED, self.text)

    @property
    def is_final(self) -> bool:
        """No event follows a failure."""
        return True


class StreamCancelled(StreamEvent):
    """The cancel of a stream."""

    reason: Text = ""
    message: Text = ""

    @property
    def end(self) -> StreamEnd:
        """A cancel, with the service's message."""
        return StreamEnd(StreamEndKind.CANCELLED, self.message or self.reason)

    @property
    def is_final(self) -> bool:
        """No event follows a cancel."""
        return True
