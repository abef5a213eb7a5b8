"""Commands against raw HTTP answers: each ends with one sentence and an exit code that fits."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.api.support import RUN_ID, TOKEN, http, ok
from tests.cli.support import Mogplex
from tests.hostile.raw_http import (
    HOLD,
    RESET,
    Answer,
    Drip,
    Repeat,
    answering,
    answering_in_thread,
    chunk,
    head,
)

RUN = {"run": {"runId": RUN_ID, "status": "completed"}}
BODY = json.dumps({"ok": True, "data": RUN}).encode()
LENGTH = str(len(BODY))

# id: (answer to every request, exit code, words of the sentence on stderr)
REFUSED: dict[str, tuple[Answer, int, str]] = {
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
    "one header of a megabyte": ([b"HTTP/1.1 200 X\r\nA: ", Repeat(b"x" * 1024, 1024), HOLD], 6, "was cut"),
    "garbage instead of JSON": (http(200, b"\xff\xfe\x00garbage"), 1, "is not JSON"),
    "HTML with 200": (http(200, b"<html>hi</html>", "text/html"), 3, "web page"),
    "empty body": (http(200, b""), 1, "is not JSON"),
    "JSON that ends early": (http(200, BODY[:-3]), 1, "cut off or broken"),
}

ACCEPTED: dict[str, Answer] = {
    "a byte at a time": [Drip(head(Content_Length=LENGTH) + BODY), HOLD],
    "one chunk for each byte": [
        head(Transfer_Encoding="chunked"),
        b"".join(chunk(BODY[at : at + 1]) for at in range(len(BODY))) + chunk(b""),
        HOLD,
    ],
    "closed instead of a length": [head(Connection="close"), BODY],
    "one informational answer": [b"HTTP/1.1 103 Early Hints\r\n\r\n", ok(RUN), HOLD],
    "more bytes than its length": [head(Content_Length=LENGTH), BODY, b"surplus", HOLD],
}


@pytest.mark.parametrize(("answer", "code", "words"), REFUSED.values(), ids=REFUSED.keys())
async def test_command_ends_with_a_sentence(mogplex: Mogplex, answer: Answer, code: int, words: str) -> None:
    async with answering(answer) as service:
        mogplex.use(service.base_url)
        done = await mogplex("runs", "get", RUN_ID)
    assert done.code == code, done.err
    assert words in done.err
    assert not done.out
    assert "Traceback" not in done.err


@pytest.mark.parametrize("answer", ACCEPTED.values(), ids=ACCEPTED.keys())
async def test_command_reads_an_unusual_answer(mogplex: Mogplex, answer: Answer) -> None:
    async with answering(answer) as service:
        mogplex.use(service.base_url)
        done = await mogplex("runs", "get", RUN_ID, "--json")
    assert done.code == 0, done.err
    assert done.one["run_id"] == RUN_ID


def test_command_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering_in_thread(b"nonsense\r\n\r\n") as service:
        monkeypatch.setenv("MOGPLEX_BASE_URL", service.base_url)
        monkeypatch.setenv("MOGPLEX_TOKEN", TOKEN)
        command = [sys.executable, "-m", "mogplex_tui", "runs", "get", RUN_ID]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 6
    assert "was cut" in done.stderr
    assert service.seen[0].path == f"/api/v1/mogplex/runs/{RUN_ID}"
