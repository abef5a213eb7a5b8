"""The console against answers without end: it answers keys, and it can be left."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest

from tests.e2e.terminal import Terminal
from tests.hostile.processes import ROOT, environment, start_console
from tests.hostile.raw_http import HOLD, Answer, Drip, Repeat, answering_in_thread, chunk, head

CTRL_Q = "\x11"
# Seconds for what takes a quarter of a second on an idle machine.
SOON = 5.0

ANSWERS: dict[str, Answer] = {
    "no answer": [HOLD],
    "1xx without end": [Repeat(b"HTTP/1.1 102 Wait\r\n\r\n")],
    "headers a byte at a time": [Drip(b"HTTP/1.1 200 X\r\nA: " + b"b" * 60_000, 0.05)],
    "chunks of a byte without end": [head(Transfer_Encoding="chunked"), Repeat(chunk(b" "))],
    "comments without end": [
        head(content_type="text/event-stream", Transfer_Encoding="chunked"),
        Repeat(chunk(b":\n\n")),
    ],
    "one event without end": [head(content_type="text/event-stream"), Repeat(b"data: " + b"x" * 1000)],
}
ENDINGS = ["q", "ctrl+q", "SIGTERM"]


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


def test_console_ends_while_a_name_server_does_not_answer() -> None:
    command = [sys.executable, "-c", SLOW_NAMES]
    env = environment("https://service.example")
    terminal = Terminal(command, columns=100, rows=30, env=env, cwd=ROOT)
    try:
        terminal.wait_for("in time")
        terminal.press("q")
        assert terminal.wait_end() == 0
    finally:
        terminal.kill()


@pytest.mark.parametrize(
    ("answer", "ending"),
    [(answer, ENDINGS[number % 3]) for number, answer in enumerate(ANSWERS.values())],
    ids=[f"{name}, {ENDINGS[number % 3]}" for number, name in enumerate(ANSWERS)],
)
def test_console_answers_keys_and_ends(answer: Answer, ending: str) -> None:
    with answering_in_thread(answer) as service:
        terminal = start_console(service.base_url)
        try:
            terminal.wait_for("Runs")
            # As many requests as are sent at a time.
            deadline = time.monotonic() + 30
            while len(service.seen) < 8:
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
