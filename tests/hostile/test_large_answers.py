"""Commands and the console refuse huge responses without using much memory."""

from __future__ import annotations

import functools
import gzip
import itertools
import struct
import zlib
from collections.abc import Callable
from typing import Any

from tests.api.support import RUN_ID, Seen
from tests.hostile.processes import peak_of, run_commands, start_console
from tests.hostile.raw_http import Answer, Repeat, Router, answering_in_thread, chunk, head

MOST = 300
"""Megabytes of memory that a command or the console may take."""
MEGABYTE = 1024 * 1024
BOMB = 1024
"""Megabytes of spaces in a bomb."""


@functools.cache
def bomb() -> bytes:
    """Return a gigabyte of spaces as gzip, made of one compressed megabyte repeated."""
    spaces = b" " * MEGABYTE
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    block = packer.compress(spaces) + packer.flush(zlib.Z_FULL_FLUSH)
    check = functools.reduce(lambda check, _: zlib.crc32(spaces, check), range(BOMB), 0)
    start = gzip.compress(b"")[:10]
    return start + block * BOMB + packer.flush() + struct.pack("<LL", check, BOMB * MEGABYTE)


@functools.cache
def packed_bomb() -> bytes:
    """Return the bomb as gzip once more."""
    return gzip.compress(bomb())


def bombing(data: Callable[[], bytes], **headers: Any) -> Router:
    """Return a function that answers each request with such a bomb."""

    def answer(_: Seen) -> Answer:
        return [head(**headers), data()]

    return answer


def large(size: int) -> Answer:
    """Return an answer of one JSON text of so many megabytes."""
    return [head(), b'{"ok":true,"data":"', Repeat(b"x" * 1024, size * 1024), b'"}']


# id: (answer to every request, words on stderr)
ANSWERS: dict[str, tuple[Answer | Router, str]] = {
    "100 MB": (large(100), "is larger than 64 MB"),
    "31 MB, which is read": (large(31), "has no 'run'"),
    "60 MB of one text": (large(60), "more than 64 MB of memory"),
    "100 MB in small chunks": (
        [head(Transfer_Encoding="chunked"), Repeat(chunk(b"x" * 4096), 25 * 1024), chunk(b"")],
        "is larger than 64 MB",
    ),
    "gzip bomb": (bombing(bomb, Content_Encoding="gzip"), "is larger than 64 MB"),
    "gzip bomb in gzip": (bombing(packed_bomb, Content_Encoding="gzip, gzip"), "is larger than"),
    "bomb as an event stream": (
        bombing(bomb, content_type="text/event-stream", Content_Encoding="gzip"),
        "is larger than 64 MB",
    ),
    "20 million empty objects": (
        [head(), b"[", Repeat(b"{}," * 1000, 20_000), b"0]"],
        "more than 64 MB of memory",
    ),
    "50 MB of letters and one emoji": (
        [head(), '["\U0001f600'.encode(), Repeat(b"x" * 1024, 50 * 1024), b'"]'],
        "64 MB of memory",
    ),
}


def _answer(seen: Seen) -> Answer:
    """Answer the read of a run whose id is the place of a case in the table."""
    answer, _ = list(ANSWERS.values())[int(seen.path.rpartition("-")[2])]
    return answer(seen) if callable(answer) else answer


def test_commands_refuse_large_answers_in_little_memory() -> None:
    ids = [f"{RUN_ID.rpartition('-')[0]}-{number:012}" for number in range(len(ANSWERS))]
    with answering_in_thread(_answer) as service:
        ended = run_commands(service.base_url, [("runs", "get", run_id) for run_id in ids])
    for (name, (_, words)), done in zip(ANSWERS.items(), ended, strict=True):
        assert done.code == 1, f"{name}: {done.err}"
        assert words in done.err, name
        assert "Traceback" not in done.err, name
        assert done.peak < MOST, name


def test_console_refuses_large_answers_in_little_memory() -> None:
    turn = itertools.cycle([ANSWERS[name][0] for name in ("31 MB, which is read", "gzip bomb in gzip")])

    def in_turn(seen: Seen) -> Answer:
        answer = next(turn)
        return answer(seen) if callable(answer) else answer

    with answering_in_thread(in_turn) as service:
        terminal = start_console(service.base_url)
        try:
            terminal.wait_for(r"The response for the calls", 60)
            # Every source has been read once.
            terminal.wait_gone("reading", 60)
            assert peak_of(terminal.pid) < MOST
            terminal.press("q")
            assert terminal.wait_end() == 0
        finally:
            terminal.kill()
