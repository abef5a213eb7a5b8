"""The console responds to keys and ends while no response of the service ends."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import time

import pytest

from tests.api.support import Seen
from tests.e2e.terminal import Terminal
from tests.hostile.processes import ROOT, environment, start_console
from tests.hostile.raw_http import HOLD, Answer, Drip, Repeat, answering_in_thread, chunk, head

CTRL_Q = "\x11"
# Seconds for what takes a quarter of a second on an idle machine.
SOON = 5.0

# Answers that never end.
NO_ANSWER: Answer = [HOLD]
COMMENTS: Answer = [
    head(content_type="text/event-stream", Transfer_Encoding="chunked"),
    Repeat(chunk(b":\n\n")),
]
ONE_EVENT: Answer = [head(content_type="text/event-stream"), Repeat(b"data: " + b"x" * 1000)]
ANSWERS: list[Answer] = [
    NO_ANSWER,
    [Repeat(b"HTTP/1.1 102 Wait\r\n\r\n")],
    [Drip(b"HTTP/1.1 200 X\r\nA: " + b"b" * 60_000, 0.05)],
    [head(Transfer_Encoding="chunked"), Repeat(chunk(b" "))],
    COMMENTS,
    ONE_EVENT,
]
# Requests that the console sends at a time, at least.
TOGETHER = 8
# id: (answer of the realtime stream, how the console is ended)
CASES: dict[str, tuple[Answer, str]] = {
    "silent stream, q": (NO_ANSWER, "q"),
    "comments without end, ctrl+q": (COMMENTS, "ctrl+q"),
    "event without end, SIGTERM": (ONE_EVENT, "SIGTERM"),
}


def leave(terminal: Terminal, ending: str) -> None:
    if ending == "SIGTERM":
        os.kill(terminal.pid, signal.SIGTERM)
    else:
        terminal.press({"q": "q", "ctrl+q": CTRL_Q}[ending])


SLOW_NAMES = """
import socket, sys, time
from mogplex_tui.cli import main
def getaddrinfo(*_, **__):
    time.sleep(60)
socket.getaddrinfo = getaddrinfo
sys.exit(main())
"""


def test_console_ends_while_name_resolution_hangs() -> None:
    command = [sys.executable, "-c", SLOW_NAMES]
    env = environment("https://service.example")
    terminal = Terminal(command, columns=100, rows=30, env=env, cwd=ROOT)
    try:
        terminal.wait_for("in time")
        terminal.press("q")
        assert terminal.wait_end() == 0
    finally:
        terminal.kill()


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("stream", "ending"), CASES.values(), ids=CASES.keys())
def test_console_responds_and_ends_during_endless_responses(stream: Answer, ending: str) -> None:
    turn = itertools.cycle(ANSWERS)

    def answer(seen: Seen) -> Answer:
        return stream if seen.path == "/api/realtime/events" else next(turn)

    with answering_in_thread(answer) as service:
        terminal = start_console(service.base_url)
        try:
            terminal.wait_for("Runs")
            deadline = time.monotonic() + 30
            while len(service.seen) < max(TOGETHER, len(ANSWERS) + 1):
                assert time.monotonic() < deadline, terminal.text
                terminal.read_some(0.05)
            terminal.press("?")
            terminal.wait_for("esc closes", SOON)
            terminal.press("esc")
            terminal.wait_gone("esc closes", SOON)
            began = time.monotonic()
            leave(terminal, ending)
            assert terminal.wait_end() == 0
            assert time.monotonic() - began < SOON
        finally:
            terminal.kill()
