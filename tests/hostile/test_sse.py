"""Malformed realtime streams: the client skips what is broken and reads on.

Each case is a stream between the frame that opens it and a last good frame. The last frame must arrive:
nothing before it may end the stream, be taken for something else or be kept in memory.
"""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import Sequence
from contextlib import aclosing

import pytest

from mogplex_tui.api.errors import MogplexError
from mogplex_tui.api.realtime_messages import Changed, Connected, Ping
from mogplex_tui.live.realtime import TABLES
from tests.hostile.raw_http import HOLD, Answer, Drip, Repeat, Script, Step, answering, chunk, head

HEAD = head(content_type="text/event-stream")
CHUNKED = head(content_type="text/event-stream", Transfer_Encoding="chunked")
OPENED = b": connected\n\n"
LAST = b'data: {"table": "agents", "op": "DELETE"}\n\n'
CHANGE = b'data: {"table": "ai_calls", "op": "UPDATE"}\n\n'
MEGABYTE = 1024 * 1024


def gzipped(*parts: bytes) -> list[Step]:
    """Return the parts as one gzip stream that is flushed after each of them."""
    packer = zlib.compressobj(wbits=31)
    return [packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH) for part in parts]


# id: (what comes between the opening and the last frame, what the client tells of it)
CASES: dict[str, tuple[Sequence[Step], list[str]]] = {
    "line of 8 MB without an end": ([Repeat(b"x" * 65536, 128), b"\n\n"], []),
    "data line of 8 MB": ([b"data: ", Repeat(b"x" * 65536, 128), b"\n\n"], []),
    "comment of 8 MB": ([b":", Repeat(b"x" * 65536, 128), b"\n\n"], []),
    "frame of 70,000 short data lines": ([Repeat(b"data: 0123456789abcdef\n", 70_000), b"\n"], []),
    "20,000 comments": ([Repeat(b": hi\n\n", 20_000)], ["ping"]),
    "connected 1,000 times": ([Repeat(OPENED, 1000)], []),
    "pings only": ([Repeat(b": ping\n\n", 50)], ["ping"]),
    "100,000 empty lines": ([Repeat(b"\n", 100_000)], []),
    "NUL in a line": ([b"data: \0\n\n", b"\0\n\n", CHANGE], ["ai_calls UPDATE"]),
    "NUL in a table": ([b'data: {"table": "ai\\u0000", "op": "X"}\n\n'], ["ai\0 X"]),
    "invalid UTF-8": ([b"data: \xff\xfe\xc3(\n\n", b"\x80: \xf0\n\n", CHANGE], ["ai_calls UPDATE"]),
    "BOM": ([b"\xef\xbb\xbf" + b"\n\n", CHANGE], ["ai_calls UPDATE"]),
    "CR alone ends lines": ([CHANGE.replace(b"\n", b"\r")], ["ai_calls UPDATE"]),
    "CRLF ends lines": ([CHANGE.replace(b"\n", b"\r\n")], ["ai_calls UPDATE"]),
    "CR, LF and CRLF mixed": (
        [CHANGE.replace(b"\n\n", b"\r\r\n"), CHANGE.replace(b"\n\n", b"\r\n\n")],
        ["ai_calls UPDATE"],
    ),
    "a byte at a time": ([Drip(CHANGE + b": ping\r\n\r\n")], ["ai_calls UPDATE", "ping"]),
    "two data lines": ([b'data: {"table": "ai_calls",\ndata: "op": "UPDATE"}\n\n'], ["ai_calls UPDATE"]),
    "unknown fields and events": (
        [b"event: quake\nid: 7\nretry: 0\nnonsense\ndata: {}\n\n", b"event: close\ndata: 1\n\n"],
        [],
    ),
    "table that does not exist": ([b'data: {"table": "gold", "op": "INSERT"}\n\n'], ["gold INSERT"]),
    "operation that does not exist": ([b'data: {"table": "repos", "op": "MELT"}\n\n'], ["repos MELT"]),
    "table of a wrong type": ([b'data: {"table": 5}\n\n', b'data: {"table": null}\n\n', b"data: []\n\n"], []),
    "no JSON": ([b"data: {\n\n", b"data: NaN\n\n", b"data:\n\n"], []),
    "JSON nested 100,000 deep": ([b"data: ", b"[" * 100_000, b"\n\n", CHANGE], ["ai_calls UPDATE"]),
}

# id: (the whole answer, what the client tells of it, whether it says that the stream was cut)
ENDS: dict[str, tuple[Answer, list[str], bool]] = {
    "ends in the middle of a frame": (
        [HEAD, OPENED, CHANGE, LAST[:-9]],
        ["connected", "ai_calls UPDATE"],
        False,
    ),
    "ends after half of a line": ([HEAD, OPENED, b"data: {"], ["connected"], False),
    "ends before it is open": ([HEAD, CHANGE], ["ai_calls UPDATE"], True),
    "ends with its head": ([HEAD], [], True),
    "chunk that is cut": (
        [CHUNKED, chunk(OPENED), b"ff\r\n" + CHANGE],
        ["connected", "ai_calls UPDATE"],
        True,
    ),
    "data after its end": ([CHUNKED, chunk(OPENED), chunk(b""), chunk(CHANGE), CHANGE], ["connected"], False),
    "shorter than its length": (
        [head(content_type="text/event-stream", Content_Length="9999"), OPENED],
        ["connected"],
        True,
    ),
    "broken gzip": (
        [head(content_type="text/event-stream", Content_Encoding="gzip"), b"\xff" * 100],
        [],
        True,
    ),
}


def stream(steps: Sequence[Step]) -> Script:
    return [HEAD, OPENED, *steps, LAST, HOLD]


async def listen(answer: Answer) -> tuple[list[str], MogplexError | None]:
    """Return the frames up to the last good one, and the error that ended the stream.

    Equal neighbours count once.
    """
    texts: list[str] = []
    async with answering(answer) as service, service.client() as client:
        try:
            # If the last frame does not arrive, only this case fails.
            async with asyncio.timeout(20), aclosing(client.realtime.stream(TABLES)) as frames:
                async for frame in frames:
                    match frame:
                        case Connected():
                            text = "connected"
                        case Ping():
                            text = "ping"
                        case Changed(table, op):
                            text = f"{table} {op}"
                    if text not in texts[-1:]:
                        texts.append(text)
                    if text == "agents DELETE":
                        break
        except MogplexError as error:
            return texts, error
    return texts, None


@pytest.mark.parametrize(("steps", "expected"), CASES.values(), ids=CASES.keys())
async def test_stream_continues_after_malformed_frames(steps: Sequence[Step], expected: list[str]) -> None:
    texts, error = await listen(stream(steps))
    assert error is None
    assert texts[0] == "connected"
    assert texts[-1] == "agents DELETE"
    assert texts[1:-1] == expected


@pytest.mark.parametrize(("answer", "expected", "cut"), ENDS.values(), ids=ENDS.keys())
async def test_interrupted_stream_yields_its_complete_frames(
    answer: Answer, expected: list[str], cut: bool
) -> None:
    texts, error = await listen(answer)
    assert texts == expected
    assert (error is not None) is cut


@pytest.mark.parametrize("packed", [True, False], ids=["gzip", "gzip in one piece"])
async def test_compressed_stream_is_read(packed: bool) -> None:
    body = gzipped(OPENED, CHANGE, LAST) if packed else [gzip.compress(OPENED + CHANGE + LAST)]
    texts, error = await listen(
        [head(content_type="text/event-stream", Content_Encoding="gzip"), *body, HOLD]
    )
    assert (texts, error) == (["connected", "ai_calls UPDATE", "agents DELETE"], None)


@pytest.mark.parametrize(
    ("line", "times"),
    [(b"x" * 65536, 400), (b"data: " + b"x" * 999 + b"\n", 16_000)],
    ids=["endless line", "endless frame"],
)
async def test_endless_line_or_frame_takes_no_memory(line: bytes, times: int) -> None:
    tracemalloc.start()
    try:
        texts, error = await listen(stream([Repeat(line, times), b"\n\n"]))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (texts, error) == (["connected", "agents DELETE"], None)
    assert peak < 12 * MEGABYTE
