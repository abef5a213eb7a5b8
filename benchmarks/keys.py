"""Measure the time from a key to its repaint in a table of 100,000 rows."""

from __future__ import annotations

import sys
import time

from .figures import milliseconds, ratio, say
from .terminal import Terminal

DOWN, PAGE_DOWN = b"\x1b[B", b"\x1b[6~"
BLOCKS, KEYS = 6, 40


def _app(name: str, live: bool) -> Terminal:
    terminal = Terminal([sys.executable, "-m", "benchmarks.apps", name, *(["live"] if live else [])])
    terminal.until(rb"00000000")
    terminal.drain(0.5)
    return terminal


def _walk(terminal: Terminal, at: int, keys: int, key: bytes, step: int) -> tuple[list[float], int]:
    """Press a key repeatedly; return the seconds until each repaint was complete."""
    taken = []
    for _ in range(keys):
        at += step
        start = time.perf_counter()
        terminal.send(key)
        if step == 1:
            end, _ = terminal.until("▌\\s*".encode() + f"{at:08d}".encode(), 5)
        else:
            end, _ = terminal.until(rb"\xe2\x96\x8c\s*\d{8}", 5)
        taken.append(end - start)
        # Not in step with anybody's timers.
        terminal.drain(0.011 + (at * 7 % 13) / 1000)
    return taken, at


def _compare(title: str, live: bool, key: bytes, step: int) -> None:
    names = ("floor-table", "table")
    apps = {name: _app(name, live) for name in names}
    times: dict[str, list[float]] = {name: [] for name in names}
    at = dict.fromkeys(names, 0)
    try:
        for app in apps.values():
            app.pause()
        for block in range(BLOCKS):
            for name in names if block % 2 else reversed(names):
                app = apps[name]
                app.resume()
                app.drain(0.2)
                taken, at[name] = _walk(app, at[name], KEYS, key, step)
                times[name] += taken
                app.pause()
        bursts = {}
        for name in names:
            apps[name].resume()
            if not live:
                apps[name].drain(0.2)
                apps[name].send(key)
                bursts[name] = apps[name].drain(0.3)
    finally:
        for app in apps.values():
            app.resume()
            app.close()
    say(f"  {title}")
    for name in names:
        more = f"   {bursts[name][1]} repaint, {bursts[name][0]} bytes" if name in bursts else ""
        say(f"    {name:12} {milliseconds(times[name])}{more}")
    ours, floor = times["table"], times["floor-table"]
    say(f"    ratio        p50 {ratio(ours, floor)}   p99 {ratio(ours, floor, 0.99)}   (at most 1.3)")


def run() -> None:
    """Print the figures."""
    say("keys: key to last byte, 100,000 rows, 120x40")
    _compare("down, idle", False, DOWN, 1)
    _compare("down, 5,000 changes a second", True, DOWN, 1)
    _compare("page down, idle", False, PAGE_DOWN, 39)
