"""Drive the real console with a random operator while the plane injects faults.

Run with `make soak ARGS="--minutes 5"`. Each round is one console process with its own size, theme and
credentials. After every burst of keys the console must respond within two seconds, not counting time in
which it had no processor; its memory, requests, log and screen are checked throughout. At the end the
ledger is compared with the plane's database. The exit code is 1 after a violation, with the seed and the
last screen.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.terminal import Terminal
from tests.hostile.hostile_texts import ESCAPED, plant
from tests.hostile.ledger_audit import Audit, Before, audit
from tests.hostile.plane import Plane
from tests.hostile.program_environment import ROOT, private_environment
from tests.hostile.random_operator import DIALOG, SIZES, RandomOperator
from tests.hostile.recording_proxy import BREAKS, RecordingProxy

ANSWER_SECONDS = 2.0
END_SECONDS = 2.0
MEMORY_MB = 300.0
# Requests in any 60 seconds and in any second; an operator who goes from list to list causes most of them.
REQUESTS_A_MINUTE = 240
REQUESTS_A_SECOND = 40
# Requests in any 60 seconds while every request fails and no key is pressed.
REQUESTS_IN_TROUBLE = 30
# Shown while a dialog or a field has the focus.
BUSY = re.compile(rf"{DIALOG.pattern}|esc clear|esc cancel")
# Followed by an arrow key, because escape and a letter read together mean alt and the letter.
BACK = b"\x1b\x1b[A"
HELP = re.compile(r"─ Keys|- Keys|Find any command by name")
KINDS = (
    *(
        "status:502",
        "401",
        "403",
        "404",
        "409",
        "429:0",
        "429:3",
        "429:none",
        "500",
        "503",
        "html",
        "html:502",
    ),
    *(
        "database-down",
        "login",
        "truncated",
        "truncated:20",
        "wrong-types",
        "unknown-fields",
        "unknown-values",
    ),
    *("duplicated", "reordered", "skew:-90s", "skew:+5m", "drop", "drop:1", "silent", "latency:100ms-3s"),
)
PATTERNS = (
    *("* *", "GET *", "POST *", "DELETE,PATCH,PUT *", "* /api/v1/*", "* /api/observability/*"),
    *("GET /api/v1/mogplex/runs*", "POST /api/v1/mogplex/runs*", "GET /api/realtime*", "* /api/settings/*"),
)


class Violation(Exception):
    """Something that must never happen; the text describes it."""


@dataclass
class Summary:
    """The counts of a soak and the worst measurements."""

    rounds: int = 0
    bursts: int = 0
    actions: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    probes: int = 0
    slowest_answer: float = 0.0
    slowest_end: float = 0.0
    peak_mb: float = 0.0
    requests: int = 0
    requests_a_minute: int = 0
    plane_kills: int = 0
    ledger: Audit | None = None

    def __str__(self) -> str:
        met = ", ".join(f"{kind} {count}" for kind, count in sorted(self.faults.items()))
        did = ", ".join(f"{name} {count}" for name, count in self.actions.most_common())
        return "\n".join(
            [
                f"rounds          {self.rounds} ({self.plane_kills} planes killed)",
                f"inputs          {sum(self.actions.values())} in {self.bursts} bursts: {did}",
                f"faults met      {sum(self.faults.values())}: {met or 'none'}",
                f"slowest answer  {self.slowest_answer:.2f} s of {self.probes} probes; end {self.slowest_end:.2f} s",
                f"peak memory     {self.peak_mb:.0f} MB",
                f"requests        {self.requests}, at most {self.requests_a_minute} in a minute",
                f"ledger          {self.ledger}",
            ]
        )


class Stopwatch:
    """Measure a program's time without delays of the machine or of this process.

    Not counted: time in which the program or this process was ready to run but had no processor, and the
    time that this process needs to interpret the output.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._begin, self._delays, self._cpu = time.monotonic(), self._delayed(), _processor_seconds(pid)
        self._latest = 0.0

    def _delayed(self) -> float:
        return time.thread_time() + sum(map(_starved_seconds, (self._pid, os.getpid())))

    @property
    def seconds(self) -> float:
        """The time so far; the latest one once the process has ended."""
        if _starved_seconds(self._pid):
            self._latest = max(0.0, time.monotonic() - self._begin - (self._delayed() - self._delays))
        return self._latest

    def __str__(self) -> str:
        used = _processor_seconds(self._pid) - self._cpu
        return f"{self.seconds:.2f} s, {used:.2f} s of a processor, {time.monotonic() - self._begin:.2f} s by the clock"


def _starved_seconds(pid: int) -> float:
    """Return how long a process's main thread waited for a processor; 0 if unknown."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


def _processor_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    match = re.search(r"VmRSS:\s+(\d+)", status)
    return int(match[1]) / 1024 if match else 0.0


class Console:
    """One console process in a terminal, with the checks that hold at every moment."""

    def __init__(self, options: Sequence[str], size: tuple[int, int], env: dict[str, str]) -> None:
        self._tail = b""
        self._tasks = Path(env["TASKS_FILE"])
        command = [sys.executable, "-m", "tests.hostile.console_main", *options]
        self.terminal = Terminal(
            command, columns=size[0], rows=size[1], env=env, cwd=ROOT, keep=100_000, on_output=self._inspect
        )
        self.smuggled: bytes | None = None
        self.peak_mb = 0.0
        self.slowest = 0.0
        self.probes = 0
        self.watch: Stopwatch | None = None

    def _inspect(self, data: bytes) -> None:
        seen = self._tail + data
        if match := ESCAPED.search(seen):
            self.smuggled = match[0]
        self._tail = seen[-200:]

    def check(self) -> None:
        """Raise Violation if the console ended, grew too large or shows forbidden text."""
        if not self.terminal.alive:
            raise Violation("the console has ended by itself")
        self.peak_mb = max(self.peak_mb, memory_mb(self.terminal.pid))
        if self.peak_mb > MEMORY_MB:
            raise Violation(f"the console takes {self.peak_mb:.0f} MB")
        if "Traceback (most recent" in self.terminal.text:
            raise Violation("a traceback is on the screen")
        if self.smuggled is not None:
            raise Violation(f"an escape sequence of the service reached the terminal: {self.smuggled!r}")

    def answer_time(self, key: bytes, shown: re.Pattern[str] | None, limit: float) -> float | None:
        """Press a key and return the seconds until the screen shows a pattern.

        Without a pattern any change counts. Returns None if nothing happened within the limit.
        """
        before = self.terminal.text
        self.watch = watch = Stopwatch(self.terminal.pid)
        self.terminal.send(key)
        while True:
            going_on = self.terminal.read_some(0.05)
            taken, text = watch.seconds, self.terminal.text
            if (shown.search(text) if shown else text != before) or not going_on:
                return taken
            if taken > limit:
                return None

    def probe(self) -> None:
        """Raise Violation unless the console answers a key in time.

        `?` opens the help on every screen and is typed into every field; where it means nothing, tab moves the focus
        and a new size draws everything again.
        """
        self.probes += 1
        taken = self.answer_time(b"?", None, ANSWER_SECONDS)
        if taken is None:
            opened_late = False
            taken = self.answer_time(b"\t", None, ANSWER_SECONDS)
            opened_late = HELP.search(self.terminal.text) is not None
            if opened_late:
                raise Violation(f"the help came later than {ANSWER_SECONDS} s after its key")
        if taken is None:
            columns, rows = self.terminal.size
            self.terminal.resize(columns, rows + 1)
            taken = self.answer_time(b"", None, ANSWER_SECONDS)
        if taken is None:
            raise Violation(f"no answer to a key within {ANSWER_SECONDS} s: {self.watch}")
        self.slowest = max(self.slowest, taken)

    def probe_help(self) -> None:
        """Close all dialogs and fields and open the help; raise Violation if it is late."""
        columns, rows = self.terminal.size
        if columns < 80 or rows < 24:
            self.terminal.resize(80, 24)
            self.terminal.pump(0.3)
        for _ in range(8):
            self.terminal.send(BACK)
            self.terminal.pump(0.3)
            if not BUSY.search(self.terminal.text):
                break
        else:
            return
        self.probes += 1
        taken = self.answer_time(b"?", HELP, ANSWER_SECONDS)
        if taken is None:
            raise Violation(f"the help did not come within {ANSWER_SECONDS} s of its key: {self.watch}")
        self.slowest = max(self.slowest, taken)
        self.terminal.send(BACK)

    def stacks(self) -> str:
        """Return the stacks of the console's tasks and threads, or its last output.

        The console is aborted to get the stacks of its threads.
        """
        tasks = ""
        if self.terminal.alive:
            os.kill(self.terminal.pid, signal.SIGUSR1)
            self.terminal.pump(2)
            tasks = self._tasks.read_text() if self._tasks.exists() else "no tasks were written"
            os.kill(self.terminal.pid, signal.SIGABRT)
            self.terminal.pump(2)
        text = self.terminal.raw.decode(errors="replace").replace("\r", "")
        begin = max(
            text.rfind("Fatal Python error"), text.rfind("Traceback (most recent"), len(text) - 30_000
        )
        return f"{tasks}\n{text[begin:]}"

    def leave(self, key: bytes) -> float:
        """Press a key that ends the console and return the seconds until it ended.

        Raises Violation if it takes too long or exits with a code other than 0.
        """
        watch = Stopwatch(self.terminal.pid)
        self.terminal.send(key)
        while self.terminal.read_some(0.05) and self.terminal.alive:
            if watch.seconds > END_SECONDS:
                raise Violation(f"{key!r} does not end the console within {END_SECONDS} s: {watch}")
        taken = watch.seconds
        code = self.terminal.wait_end()
        if code != 0:
            raise Violation(f"the console ended with {code}")
        return taken


class Soak:
    """Rounds of a random operator against a plane with faults; `run` raises Violation."""

    def __init__(self, folder: Path, seed: int, *, round_seconds: float = 150.0) -> None:
        self._folder, self.seed, self._round_seconds = folder, seed, round_seconds
        self._rng = random.Random(seed)
        self.summary = Summary()
        self.console: Console | None = None
        self.operator: RandomOperator | None = None
        home = folder / "home"
        self._env = {
            **private_environment(home),
            "PYTHONFAULTHANDLER": "1",
            "TASKS_FILE": str(folder / "tasks.txt"),
        }
        self._plane = Plane(folder / "plane.db", self._plane_options(), self._env)

    def _plane_options(self) -> list[str]:
        profile = self._rng.choice(("documented", "hosted"))
        return ["--fault-route", "--profile", profile, "--speed", self._rng.choice(("1", "4", "20"))]

    def run(self, seconds: float, rounds: int = 10**6, bursts: int = 10**6) -> None:
        """Run until a time or number of rounds is reached, then audit the ledger."""
        try:
            self._plane.start()
            self._plane.stop()
            plant(self._plane.database)
            before = Before(self._plane.database)
            self._plane.start()
            with RecordingProxy(self._plane.port, seed=self.seed) as proxy:
                end = time.monotonic() + seconds
                while time.monotonic() < end and self.summary.rounds < rounds:
                    self._round(proxy, min(end, time.monotonic() + self._round_seconds), bursts)
                    if self.summary.rounds % 3 == 2 and self.summary.rounds < rounds:
                        self._plane.options = self._plane_options()
                        self._plane.restart()
                self._plane.stop()
                self._compare(before, proxy)
        finally:
            self._plane.kill()

    def end(self) -> None:
        """Kill the processes that a violation has left running."""
        if self.console is not None:
            self.console.terminal.kill()

    def _environment(self, proxy: RecordingProxy) -> dict[str, str]:
        """Return the environment of a console with a random set of credentials."""
        about = self._plane.about
        token, cookie = about["token"], about["session_cookie"]
        dead = "better-auth.session_token=dead"
        credentials = self._rng.choices(
            [
                (token, cookie),
                (token, None),
                (None, cookie),
                (about["read_only_token"], cookie),
                (token, dead),
            ],
            [5, 2, 2, 1, 2],
        )[0]
        named = zip(("MOGPLEX_TOKEN", "MOGPLEX_SESSION_COOKIE"), credentials, strict=True)
        return {**self._env, "MOGPLEX_BASE_URL": proxy.url, **{name: value for name, value in named if value}}

    def _round(self, proxy: RecordingProxy, end: float, bursts: int) -> None:
        rng = self._rng
        self.summary.rounds += 1
        options = [option for option in ("--ascii", "--reduced-motion") if rng.random() < 0.2]
        options += ["--theme", rng.choice(("dark", "light"))]
        read_only, before = rng.random() < 0.15, len(proxy.requests)
        options += ["--read-only"] if read_only else []
        self._plane.set_faults([])
        proxy.breaking = None
        self.console = Console(options, rng.choice(SIZES[:4]), self._environment(proxy))
        self.operator = RandomOperator(self.console.terminal, rng)
        self.console.terminal.wait_for(r"\? help", 30)
        until_change = rng.randint(1, 4)
        try:
            while time.monotonic() < end and bursts > 0:
                self._burst()
                bursts -= 1
                until_change -= 1
                if until_change == 0:
                    self._change_faults(proxy)
                    until_change = rng.randint(1, 4)
                self._check_files()
            if bursts > 1000 and rng.random() < 0.3:
                self._trouble(proxy)
            self._leave()
            if read_only and any(request.changes for request in proxy.requests[before:]):
                raise Violation("a read-only console has sent a change")
        finally:
            self._count(proxy)

    def _burst(self) -> None:
        assert self.console is not None and self.operator is not None
        self.summary.bursts += 1
        for _ in range(self._rng.randint(1, 12)):
            self.operator.act()
            self.console.terminal.pump(self._rng.choice((0.0, 0.01, 0.05, 0.2)))
            self.console.check()
        if self._rng.random() < 0.5:
            self.console.probe()
        else:
            self.console.probe_help()
        self.console.check()

    def _change_faults(self, proxy: RecordingProxy) -> None:
        rng = self._rng
        self.summary.faults.update(_by_kind(self._plane.count_faults()))
        rules = [
            f"{rng.choice(PATTERNS)} {rng.choice(KINDS)} p={rng.choice(('0.1', '0.5', '1'))}"
            for _ in range(rng.randint(0, 3))
        ]
        self._plane.set_faults(rules)
        proxy.breaking = (rng.choice(BREAKS), rng.choice((0.1, 0.4))) if rng.random() < 0.3 else None
        if rng.random() < 0.08:
            self._plane.kill()
            self.summary.plane_kills += 1
            self._plane.start()

    def _trouble(self, proxy: RecordingProxy) -> None:
        """Let every request fail for a minute without input, and count the requests."""
        assert self.console is not None
        self._plane.set_faults([self._rng.choice(("* * 503", "* * 429:0", "* * drop:1", "* * html"))])
        proxy.breaking = None
        self.console.terminal.pump(5)
        begin = time.time()
        self.console.terminal.pump(60)
        self.console.check()
        count = proxy.most_within(60, begin)
        if count > REQUESTS_IN_TROUBLE:
            raise Violation(f"{count} requests in a minute in which every one failed")

    def _leave(self) -> None:
        assert self.console is not None
        if self._rng.random() < 0.5:
            taken = self.console.leave(b"\x11")
        else:
            for _ in range(8):
                self.console.terminal.send(BACK)
                self.console.terminal.pump(0.3)
            taken = self.console.leave(b"\x11" if DIALOG.search(self.console.terminal.text) else b"q")
        self.summary.slowest_end = max(self.summary.slowest_end, taken)

    def _check_files(self) -> None:
        for path in Path(self._env["HOME"]).rglob("*.log"):
            text = path.read_text(encoding="utf-8", errors="replace")
            if "Traceback (most recent" in text:
                at = text.index("Traceback (most recent")
                raise Violation(f"a traceback is in {path.name}:\n{text[max(0, at - 300) : at + 4000]}")
        if "Traceback" in self._plane.errors.read_text():
            raise Violation(f"a traceback of the plane:\n{self._plane.errors.read_text()[-3000:]}")

    def _count(self, proxy: RecordingProxy) -> None:
        summary, console, operator = self.summary, self.console, self.operator
        assert console is not None and operator is not None
        summary.actions.update(operator.counts)
        summary.probes += console.probes
        summary.slowest_answer = max(summary.slowest_answer, console.slowest)
        summary.peak_mb = max(summary.peak_mb, console.peak_mb)
        summary.requests = len(proxy.requests)
        summary.requests_a_minute = proxy.most_within(60)
        summary.faults.update({f"proxy:{kind}": count for kind, count in proxy.broken.items()})
        proxy.broken.clear()
        if summary.requests_a_minute > REQUESTS_A_MINUTE:
            raise Violation(f"{summary.requests_a_minute} requests in a minute")
        busiest = proxy.busiest(1)
        if len(busiest) > REQUESTS_A_SECOND:
            listed = "\n".join(
                f"  {each.at - busiest[0].at:.2f} {each.method} {each.path} {each.status}" for each in busiest
            )
            raise Violation(f"{len(busiest)} requests in a second:\n{listed}")

    def _compare(self, before: Before, proxy: RecordingProxy) -> None:
        ledgers = Path(self._env["HOME"]).rglob("ledger.jsonl")
        self.summary.ledger = audit(before, self._plane.database, ledgers, proxy.requests)
        if self.summary.ledger.violations:
            raise Violation(
                "the ledger and the database disagree:\n" + "\n".join(self.summary.ledger.violations)
            )


def _by_kind(counted: dict[str, int]) -> dict[str, int]:
    kinds: Counter[str] = Counter()
    for rule, fired in counted.items():
        if fired:
            kinds[rule.split()[2].partition(":")[0]] += fired
    return kinds


def report(soak: Soak, violation: BaseException | None) -> str:
    """Return the summary and, after a violation, all data to investigate it."""
    lines = [str(soak.summary)]
    if violation is not None:
        lines += ["", f"VIOLATION with seed {soak.seed}: {violation}"]
        if soak.operator is not None:
            lines += ["latest inputs:", *(f"  {sent}" for sent in soak.operator.sent[-25:])]
        if soak.console is not None:
            lines += [
                "last screen:",
                soak.console.terminal.text,
                "stacks or last words:",
                soak.console.stacks(),
            ]
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a soak and print its summary; 1 if anything was violated."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="how long to work (default: 60)")
    parser.add_argument("--seed", type=int, default=None, help="which operator and faults (default: random)")
    parser.add_argument("--round-seconds", type=float, default=150.0, help="length of one console's life")
    parser.add_argument("--keep", action="store_true", help="keep the folder with database, ledger and logs")
    arguments = parser.parse_args(argv)
    seed = random.SystemRandom().randrange(10**6) if arguments.seed is None else arguments.seed
    folder = Path(tempfile.mkdtemp(prefix="mogplex-soak-"))
    print(f"seed {seed}, {arguments.minutes:g} minutes, files in {folder}", flush=True)
    soak = Soak(folder, seed, round_seconds=arguments.round_seconds)
    violation: BaseException | None = None
    try:
        soak.run(arguments.minutes * 60)
    except (Violation, AssertionError, OSError) as error:
        violation = error
    print(report(soak, violation), flush=True)
    soak.end()
    if violation is None and not arguments.keep:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if violation is None else 1


if __name__ == "__main__":
    raise SystemExit(main())
