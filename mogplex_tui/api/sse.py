"""Decode server-sent events and the comments between them.

The service sends comments to show that the stream is alive. Contract: realtime.md §2 and §4.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Comment:
    """A comment line of the stream; `text` lacks the colon at the beginning."""

    text: str


@dataclass(frozen=True)
class Data:
    """The data of one event; `text` is its data lines, joined with line ends."""

    text: str


# Libraries for server-sent events drop comments, do not limit the length of lines, and read from a response directly,
# where the transport could not map their errors.
class SseDecoder:
    """Decodes chunks of a byte stream, of any size, into comments and events.

    Lines end with LF, CRLF or CR. Lines and events that are longer than `max_bytes` are left out,
    and `dropped` counts them.
    """

    def __init__(self, max_bytes: int = 1_000_000) -> None:
        self._buffer = bytearray()
        self._data: list[str] = []
        self._frame_size = 0
        self._skips_frame = False
        self._max_bytes = max_bytes
        self.dropped = 0

    def feed(self, chunk: bytes) -> list[Comment | Data]:
        """Add a chunk and return the comments and events that it completes."""
        # A CR at the very end may be half of a CRLF, so it waits for the next chunk. A chunk without a line end is only
        # appended: otherwise a line of megabytes would be searched again for each chunk.
        if b"\n" not in chunk and b"\r" not in chunk and not self._buffer.endswith(b"\r"):
            self._buffer += chunk
            lines = []
        else:
            text = bytes(self._buffer) + chunk
            pending = b"\r" if text.endswith(b"\r") else b""
            lines = text.removesuffix(pending).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
            self._buffer = bytearray(lines.pop() + pending)
        if len(self._buffer) > self._max_bytes:
            self._buffer.clear()
            self.dropped += 1
        items: list[Comment | Data] = []
        for line in lines:
            item = self._line(line.decode("utf-8", "replace"))
            if item is not None:
                items.append(item)
        return items

    def _line(self, line: str) -> Comment | Data | None:
        if not line:
            data, self._data, self._frame_size, self._skips_frame = self._data, [], 0, False
            return Data("\n".join(data)) if data else None
        if line.startswith(":"):
            return Comment(line[1:].strip())
        name, _, value = line.partition(":")
        if name == "data" and not self._skips_frame:
            self._data.append(value.removeprefix(" "))
            self._frame_size += len(line)
            if self._frame_size > self._max_bytes:
                # The rest of the event is as incomplete as what was dropped.
                self._data, self._skips_frame = [], True
                self.dropped += 1
        return None
