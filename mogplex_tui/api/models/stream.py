"""What every followed stream may say, and why it ended (sandboxes.md §0, errors.md §2)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import AliasChoices, Field

from mogplex_tui.api.models.base import Inbound, Text


class StreamEndKind(StrEnum):
    """Why a stream is over."""

    DONE = "done"
    """Its own mark of success came."""
    FAILED = "failed"
    """The service told of a failure."""
    CANCELLED = "cancelled"
    """The service told that somebody cancelled it."""
    CUT = "cut"
    """It broke off before it had told how it ended."""
    LEFT = "left"
    """The caller stopped listening."""


@dataclass(frozen=True)
class StreamEnd:
    """Why a stream is over, with the service's own words where it gave any."""

    kind: StreamEndKind
    message: str = ""


class StreamEvent(Inbound):
    """One event of a stream; `type` is the service's word for it."""

    type: Text = ""

    @property
    def end(self) -> StreamEnd | None:
        """What this event says about the end of the stream, or None."""
        return None

    @property
    def is_final(self) -> bool:
        """Whether nothing that matters can follow this event."""
        return False


class UnknownEvent(StreamEvent):
    """An event of a type that is not known, or that does not have the form of its type; `raw` is all of it."""

    raw: Any = None
    reason: Text = ""


class Output(StreamEvent):
    """What a program wrote: a piece of text, not aligned to lines; `stream` is stdout or stderr."""

    stream: Text = ""
    data: Text = ""


class StreamFailed(StreamEvent):
    """The stream's own failure mark; `phase` says where, in a boot."""

    text: Text = Field(default="", validation_alias=AliasChoices("message", "data", "errorText", "text"))
    phase: str | None = None

    @property
    def end(self) -> StreamEnd:
        """A failure, in the service's words."""
        return StreamEnd(StreamEndKind.FAILED, self.text)

    @property
    def is_final(self) -> bool:
        """Nothing follows a failure."""
        return True


class StreamCancelled(StreamEvent):
    """Somebody or something cancelled what the stream told of."""

    reason: Text = ""
    message: Text = ""

    @property
    def end(self) -> StreamEnd:
        """A cancel, in the service's words."""
        return StreamEnd(StreamEndKind.CANCELLED, self.message or self.reason)

    @property
    def is_final(self) -> bool:
        """Nothing follows a cancel."""
        return True
