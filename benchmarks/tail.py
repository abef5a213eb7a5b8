"""Measure a tail of 50,000 events: opening, following and paging back."""

from __future__ import annotations

import sys
import time

from .figures import milliseconds, ratio, say
from .process_usage import cpu_seconds
from .terminal import Terminal

PAGE_UP, END = b"\x1b[5~", b"\x1b[F"
NAMES = ("floor-tail", "tail")
ROUNDS, PAGES, FOLLOWED = 5, 40, 6.0
LAST = rb"event 00049999"


def _app(name: str, live: bool = False) -> Terminal:
    return Terminal([sys.executable, "-m", "benchmarks.apps", name, *(["live"] if live else [])])


def _opening() -> dict[str, list[float]]:
    """Return the seconds from the start to the last event, and those of a bare app."""
    times: dict[str, list[float]] = {name: [] for name in ("bare", *NAMES)}
    for _ in range(ROUNDS):
        for name in times:
            terminal = _app(name)
            end, _ = terminal.until(b"ready" if name == "bare" else LAST)
            times[name].append(end - terminal.started)
            terminal.close()
    return times


def _paging() -> dict[str, list[float]]:
    """Return the seconds from page-up to the last byte of both programs, in turns."""
    apps = {name: _app(name) for name in NAMES}
    times: dict[str, list[float]] = {name: [] for name in NAMES}
    try:
        for app in apps.values():
            app.until(LAST)
            app.drain(0.5)
            app.pause()
        for _ in range(ROUNDS):
            for name, app in apps.items():
                app.resume()
                app.drain(0.1)
                for page in range(PAGES):
                    start = time.perf_counter()
                    app.send(PAGE_UP)
                    end, _ = app.until(rb"event \d{8}", 5)
                    times[name].append(end - start)
                    app.drain(0.011 + page % 7 / 1000)
                app.pause()
    finally:
        for app in apps.values():
            app.resume()
            app.close()
    return times


def _following(name: str) -> tuple[int, int, float]:
    """Return bursts, bytes and processor share while 5,000 events a second arrive."""
    terminal = _app(name, live=True)
    try:
        terminal.until(rb"event 0005\d{4}")
        terminal.drain(0.5)
        before, start = cpu_seconds(terminal.pid), time.perf_counter()
        size, bursts = terminal.drain(FOLLOWED)
        took = time.perf_counter() - start
        return round(bursts / took), round(size / took), (cpu_seconds(terminal.pid) - before) / took
    finally:
        terminal.close()


def run() -> None:
    """Print the figures."""
    say("tail: 50,000 events, 120x40")
    opening = _opening()
    say("  open at the end, from the start of the program")
    for name, times in opening.items():
        say(f"    {name:12} {milliseconds(times)}   x {ratio(times, opening['bare'])} of bare")
    paging = _paging()
    say("  page up, idle")
    for name in NAMES:
        say(f"    {name:12} {milliseconds(paging[name])}")
    say(f"    ratio        p50 {ratio(paging['tail'], paging['floor-tail'])}")
    say("  following 5,000 events a second")
    for name in NAMES:
        bursts, size, share = _following(name)
        say(f"    {name:12} {bursts} repaints/s   {size / 1000:.0f} kB/s   {share:.0%} of one core")
