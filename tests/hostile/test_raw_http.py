"""Commands end malformed HTTP responses with one sentence and a fitting exit code."""

from __future__ import annotations

import functools
import gzip
import json
import subprocess
import sys
import zlib
from collections.abc import Callable

import pytest

from mogplex_tui.api import http_clients, response_head_limits, retry
from tests.api.support import RUN_ID, TOKEN, http, ok
from tests.cli.support import CommandRunner
from tests.hostile.raw_http import (
    HOLD,
    RESET,
    Answer,
    Drip,
    Repeat,
    Router,
    Step,
    answering,
    answering_in_thread,
    chunk,
    head,
)

RUN = {"run": {"runId": RUN_ID, "status": "completed"}}
BODY = json.dumps({"ok": True, "data": RUN}).encode()
LENGTH = str(len(BODY))
SPACES = b" " * 10_000_000
THROTTLED = {"ok": False, "error": {"code": "RATE_LIMITED", "message": "Rate limit exceeded."}}


def packed(data: bytes, *encodings: str, status: int = 200) -> Router:
    """Return a router that responds with a body in these encodings, applied in order."""
    encode: dict[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "raw deflate": _raw_deflate,
    }
    names = ", ".join(name.removeprefix("raw ") for name in encodings)

    @functools.cache
    def steps() -> list[Step]:
        body = functools.reduce(lambda packed, name: encode[name](packed), encodings, data)
        return [head(status, Content_Encoding=names, Content_Length=str(len(body))) + body, HOLD]

    return lambda _: steps()


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def throttled(wait: str) -> bytes:
    """Return a 429 whose body asks to wait so long, as JSON text."""
    return http(429, b'{"error":"Slow down","retryAfterSeconds":' + wait.encode() + b"}")


def nested(levels: int) -> bytes:
    """Return a run with a value inside, so many levels deep in all."""
    inside = levels - 3
    return BODY.replace(b'"completed"', b'"completed", "x": ' + b"[" * inside + b"]" * inside)


# id: (answer to every request, exit code, words of the sentence on stderr)
REFUSED: dict[str, tuple[Answer | Router, int, str]] = {
    "no answer": ([], 6, "was cut"),
    "reset before the answer": ([RESET], 6, "was cut"),
    "reset in the headers": ([b"HTTP/1.1 200 X\r\nContent-", RESET], 6, "was cut"),
    "reset in the body": ([head(Content_Length=LENGTH), BODY[:9], RESET], 6, "was cut"),
    "body shorter than its length": ([head(Content_Length="9999"), BODY], 6, "was cut"),
    "length is not a number": ([head(Content_Length="many"), BODY], 6, "was cut"),
    "two lengths that differ": ([head(Content_Length=LENGTH + ", 5"), BODY], 6, "was cut"),
    "negative length": ([head(Content_Length="-5"), BODY], 6, "was cut"),
    "not HTTP": ([b"220 mail.example ESMTP\r\n\r\n"], 6, "was cut"),
    "HTTP/2 preface": ([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"], 6, "was cut"),
    "status of four digits": ([b"HTTP/1.1 2000 X\r\n\r\n"], 6, "was cut"),
    "header line without colon": ([b"HTTP/1.1 200 X\r\nnonsense\r\n\r\n", BODY], 6, "was cut"),
    "NUL in a header": ([b"HTTP/1.1 200 X\r\nA: \0\r\n\r\n", BODY], 6, "was cut"),
    "chunk size is not a number": ([head(Transfer_Encoding="chunked"), b"zz\r\n", BODY], 6, "was cut"),
    "chunked body without its end": ([head(Transfer_Encoding="chunked"), chunk(BODY)], 6, "was cut"),
    "unknown transfer encoding": ([head(Transfer_Encoding="morse"), BODY], 6, "was cut"),
    "garbage instead of JSON": (http(200, b"\xff\xfe\x00garbage"), 1, "is not JSON"),
    "HTML with 200": (http(200, b"<html>hi</html>", "text/html"), 3, "web page"),
    "empty body": (http(200, b""), 1, "is not JSON"),
    "JSON that ends early": (http(200, BODY[:-3]), 1, "cut off or broken"),
    # Without end, or too slow
    "1xx without end": ([Repeat(b"HTTP/1.1 102 Wait\r\n\r\n")], 6, "More than 20 informational responses"),
    "1xx without end, slow": ([Repeat(b"HTTP/1.1 102 Wait\r\n\r\n", every=0.05)], 6, "in time"),
    "headers without end": ([b"HTTP/1.1 200 X\r\n", Repeat(b"A: b\r\n")], 6, "64 KB of response headers"),
    "one header of a megabyte": ([b"HTTP/1.1 200 X\r\nA: ", Repeat(b"x" * 1024, 1024), HOLD], 6, "64 KB"),
    "headers a byte at a time": ([Drip(b"HTTP/1.1 200 X\r\nA: " + b"b" * 9999, 0.02)], 6, "in time"),
    "headers that stop": ([b"HTTP/1.1 200 X\r\nA: b\r\n", HOLD], 6, "in time"),
    "body a byte at a time": ([head(Content_Length="9999"), Drip(b" " * 9999, 0.02)], 6, "in time"),
    "chunks of a byte without end": ([head(Transfer_Encoding="chunked"), Repeat(chunk(b" "))], 6, "in time"),
    "body without end": ([head(), Repeat(b" " * 1024)], 1, "is larger than 4 MB"),
    # Too large
    "length beyond the limit": ([head(Content_Length="9999999"), HOLD], 1, "is larger than 4 MB"),
    "gzip bomb": (packed(SPACES, "gzip"), 1, "is larger than 4 MB"),
    "deflate bomb": (packed(SPACES, "deflate"), 1, "is larger than 4 MB"),
    "gzip bomb in gzip": (packed(SPACES, "gzip", "gzip"), 1, "is larger than 4 MB"),
    "three encodings": (packed(BODY, "gzip", "deflate", "gzip"), 1, "is compressed 3 times"),
    "encoding that was not asked for": ([head(Content_Encoding="br"), BODY], 1, "is not supported"),
    "body that is not gzip": ([head(Content_Encoding="gzip"), BODY], 1, "cannot be unpacked"),
    "half a million objects": (http(200, b"[" + b"{}," * 500_000 + b"0]"), 1, "more than 4 MB of memory"),
    "error of 5 MB": (http(404, b'{"error":"' + b"x" * 5_000_000 + b'"}'), 1, "HTTP 404"),
    "error that is a bomb": (packed(SPACES, "gzip", status=400), 1, "HTTP 400"),
    "error in an unknown encoding": ([head(403, Content_Encoding="br"), b"x"], 4, "HTTP 403"),
    # Too deep
    "101 levels": (http(200, nested(101)), 1, "more than 100 levels"),
    "10,000 arrays in each other": (http(200, nested(10_000)), 1, "more than 100 levels"),
    "10,000 objects in each other": (http(200, b'{"a":' * 10_000 + b"0" + b"}" * 10_000), 1, "100 levels"),
    "arrays that never close": (http(200, b"[" * 1_000_000), 1, "more than 100 levels"),
    "error with 10,000 levels": (http(400, b"[" * 10_000 + b"]" * 10_000), 1, "HTTP 400"),
    # Invalid times to wait
    "Retry-After of 400 digits": (http(429, THROTTLED, Retry_After="9" * 400), 5, "Too many requests"),
    "Retry-After of 1e308": (http(429, THROTTLED, Retry_After="1e308"), 5, "Too many requests"),
    "Retry-After of -1": (http(429, THROTTLED, Retry_After="-1"), 5, "Too many requests"),
    "Retry-After of nan": (http(429, THROTTLED, Retry_After="nan"), 5, "Too many requests"),
    "retryAfterSeconds of 400 digits": (throttled("9" * 400), 5, "Too many requests"),
    "retryAfterSeconds of 5000 digits": (throttled("9" * 5000), 5, "Too many requests"),
    "retryAfterSeconds of 1e308": (throttled("1e308"), 5, "Too many requests"),
    "retryAfterSeconds of NaN": (throttled("NaN"), 5, "Too many requests"),
    "503 for 400 digits of seconds": (http(503, {"error": "x"}, Retry_After="9" * 400), 6, "cannot serve"),
}

ACCEPTED: dict[str, Answer | Router] = {
    "a byte at a time": [Drip(head(Content_Length=LENGTH) + BODY), HOLD],
    "one chunk for each byte": [
        head(Transfer_Encoding="chunked"),
        b"".join(chunk(BODY[at : at + 1]) for at in range(len(BODY))) + chunk(b""),
        HOLD,
    ],
    "HTTP/1.0 without a length": [head(version="1.0"), BODY],
    "HTTP/1.0 without a length, a byte at a time": [Drip(head(version="1.0") + BODY)],
    "HTTP/1.0 that would keep the connection": [head(version="1.0", Connection="keep-alive"), BODY],
    "closed instead of a length": [head(Connection="close"), BODY],
    "20 informational responses": [b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" * 20 + ok(RUN), HOLD],
    "informational responses, a byte at a time": [Drip(b"HTTP/1.1 103 Hints\r\n\r\n" * 3 + ok(RUN)), HOLD],
    "more bytes than its length": [head(Content_Length=LENGTH), BODY, b"surplus", HOLD],
    "gzip": packed(BODY, "gzip"),
    "deflate": packed(BODY, "deflate"),
    "deflate without a header": packed(BODY, "raw deflate"),
    "gzip in gzip": packed(BODY, "gzip", "gzip"),
    "gzip, a byte at a time": [Drip(head(Content_Encoding="gzip") + gzip.compress(BODY))],
    "half of an emoji": http(200, BODY.replace(b'"completed"', b'"completed", "x": "\\ud83d"')),
    "100 levels": http(200, nested(100)),
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("answer", "code", "words"), REFUSED.values(), ids=REFUSED.keys())
async def test_command_reports_a_malformed_response(
    mogplex: CommandRunner, monkeypatch: pytest.MonkeyPatch, answer: Answer | Router, code: int, words: str
) -> None:
    monkeypatch.setattr(response_head_limits, "HEAD_TIMEOUT", 0.3)
    monkeypatch.setattr(http_clients, "RESPONSE_TIMEOUT", 0.6)
    monkeypatch.setenv("MOGPLEX_MAX_ANSWER_MB", "4")
    async with answering(answer) as service:
        mogplex.use(service.base_url)
        done = await mogplex("runs", "get", RUN_ID)
    assert done.code == code, done.err
    assert words in done.err
    assert not done.out
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "command", [("runs", "list"), ("runs", "get", RUN_ID), ("jobs", "list")], ids=" ".join
)
async def test_command_does_not_repeat_a_slow_read(
    mogplex: CommandRunner, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setattr(http_clients, "RESPONSE_TIMEOUT", 0.6)
    monkeypatch.setattr(retry, "RETRY_WINDOW", 0.5)
    async with answering([head(), Repeat(b" ", every=0.02)]) as service:
        mogplex.use(service.base_url)
        done = await mogplex(*command)
    paths = [seen.path for seen in service.seen]
    assert done.code == 6
    assert "Trying again" not in done.err
    assert len(paths) == len(set(paths))


@pytest.mark.parametrize("answer", ACCEPTED.values(), ids=ACCEPTED.keys())
async def test_command_reads_an_unusual_response(mogplex: CommandRunner, answer: Answer | Router) -> None:
    async with answering(answer) as service:
        mogplex.use(service.base_url)
        done = await mogplex("runs", "get", RUN_ID, "--json")
    assert done.code == 0, done.err
    assert done.only_object["run_id"] == RUN_ID


def test_command_process_reports_a_malformed_response(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering_in_thread(b"nonsense\r\n\r\n") as service:
        monkeypatch.setenv("MOGPLEX_BASE_URL", service.base_url)
        monkeypatch.setenv("MOGPLEX_TOKEN", TOKEN)
        command = [sys.executable, "-m", "mogplex_tui", "runs", "get", RUN_ID]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 6
    assert "was cut" in done.stderr
    assert service.seen[0].path == f"/api/v1/mogplex/runs/{RUN_ID}"
