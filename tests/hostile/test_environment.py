"""Commands and the console in unusual environments, with unusual streams and ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.case_share import share_of
from tests.e2e.terminal import Terminal
from tests.hostile.plane import Plane
from tests.hostile.program_environment import PROGRAM, ROOT, credentials, private_environment, processes_with

LONG = os.environ.get("MOGPLEX_TEST_LONG") == "1"
RUN = f"{' '.join(PROGRAM)}"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory, seeded_database: Path) -> Iterator[Plane]:
    folder = tmp_path_factory.mktemp("plane")
    options = ["--rate-limit", "off", "--speed", "0"]
    database = Path(shutil.copy(seeded_database, folder / "plane.db"))
    running = Plane(database, options, private_environment(folder / "home"))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def env(plane: Plane, tmp_path: Path) -> dict[str, str]:
    return private_environment(tmp_path / "home") | credentials(plane.about, plane.url)


def _with(env: dict[str, str], changes: dict[str, str | None]) -> dict[str, str]:
    """Return an environment with some variables changed; None removes one."""
    merged = {**env, **changes}
    return {name: value for name, value in merged.items() if value is not None}


# Without XDG directories a program finds its files by HOME alone.
_NO_XDG: dict[str, str | None] = {f"XDG_{name}_HOME": None for name in ("CONFIG", "CACHE", "STATE", "DATA")}
# id: changes of the environment
_POSIX: dict[str, str | None] = {"LC_ALL": "POSIX", "LANG": "C"}
ENVIRONMENTS: dict[str, dict[str, str | None]] = {
    "LC_ALL=POSIX": _POSIX,
    "C without UTF-8 mode": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    "output is ASCII": {"PYTHONIOENCODING": "ascii"},
    "no HOME": {**_NO_XDG, "HOME": None},
    "HOME is empty": {**_NO_XDG, "HOME": ""},
    "HOME cannot be written": {**_NO_XDG, "HOME": "/proc"},
    "HOME is a device": {**_NO_XDG, "HOME": "/dev/null"},
    "XDG directories cannot be made": {
        f"XDG_{name}_HOME": "/proc/x" for name in ("CONFIG", "CACHE", "STATE")
    },
    "time zone does not exist": {"TZ": "Nonsense/Zone"},
    "size is no number": {"COLUMNS": "x", "LINES": "-1"},
    "size is zero": {"COLUMNS": "0", "LINES": "0"},
    "TERM=dumb": {"TERM": "dumb"},
    "LC_ALL=POSIX and TERM=dumb": {**_POSIX, "TERM": "dumb"},
    "no TERM": {"TERM": None},
    "no PATH": {"PATH": None},
    "no temporary directory": {"TMPDIR": "/nonexistent"},
    "warnings are errors": {"PYTHONWARNINGS": "error"},
}
_SHORT = ("C without UTF-8 mode", "no HOME", "HOME is a device", "XDG directories cannot be made")


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", ENVIRONMENTS if LONG else _SHORT)
def test_command_works_in_an_unusual_environment(env: dict[str, str], name: str) -> None:
    done = subprocess.run(
        [*PROGRAM, "runs", "list", "acme/", "-o", "wide"],
        env=_with(env, ENVIRONMENTS[name]),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        cwd=ROOT,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(done.stdout.splitlines()) > 20


# id: (shell command, exit code, words on stderr)
STREAMS: dict[str, tuple[str, int, str]] = {
    "everything closed": (f"{RUN} runs list acme/ <&- >&- 2>&-", 0, ""),
    "stdin closed": (f"{RUN} runs list acme/ <&-", 0, ""),
    "stdout closed": (f"{RUN} runs list acme/ >&-", 0, ""),
    "stderr closed": (f"{RUN} runs list acme/ 2>&-", 0, ""),
    "full disk": (f"{RUN} runs list acme/ > /dev/full", 1, "could not be written: No space"),
    "full disk and no words": (f"{RUN} runs list acme/ > /dev/full 2> /dev/full", 1, ""),
    "full disk for info": (f"{RUN} info > /dev/full", 1, "could not be written: No space"),
    "full disk for completions": (f"{RUN} completions bash > /dev/full", 1, "could not be written: No space"),
    "full disk for openapi": (
        f"{RUN} control-plane --openapi > /dev/full",
        1,
        "could not be written: No space",
    ),
    "no file may grow": (f"(ulimit -f 0; {RUN} runs list acme/ --json | head -c 20)", 0, ""),
    "reader leaves": (f"{RUN} runs list acme/ --json | head -1", 0, ""),
    "directory is gone": (f"mkdir gone; cd gone; rmdir ../gone; {RUN} runs list acme/", 0, ""),
    "console without input": (f"{RUN} <&-", 2, "needs a terminal"),
    "console with everything closed": (f"{RUN} <&- >&- 2>&-", 2, ""),
    "demo with everything closed": (f"{RUN} demo <&- >&- 2>&-", 2, ""),
}
_SHORT_STREAMS = ("everything closed", "full disk for info", "full disk for completions", "directory is gone")


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", STREAMS if LONG else _SHORT_STREAMS)
def test_command_works_with_unusual_streams(env: dict[str, str], tmp_path: Path, name: str) -> None:
    command, code, words = STREAMS[name]
    done = subprocess.run(["bash", "-c", command], env=env, capture_output=True, cwd=tmp_path, timeout=120)
    err = done.stderr.decode()
    assert done.returncode == code, err
    assert words in err
    assert len(err.splitlines()) == (1 if words else 0), err


def _console(env: dict[str, str], *arguments: str, term: str | None = "xterm-256color") -> Terminal:
    return Terminal([*PROGRAM, *arguments], columns=80, rows=24, env=env, cwd=ROOT, term=term)


@pytest.mark.parametrize("name", ENVIRONMENTS if LONG else ("LC_ALL=POSIX and TERM=dumb",))
def test_console_works_in_an_unusual_environment(env: dict[str, str], name: str) -> None:
    terminal = _console(_with(env, ENVIRONMENTS[name]), term=ENVIRONMENTS[name].get("TERM", "xterm-256color"))
    try:
        terminal.wait_for(r"acme/")
        terminal.press("q")
        assert terminal.wait_end() == 0
    finally:
        terminal.kill()


SIZES = [(1, 1), (2, 1), (5, 3), (10, 4), (20, 5), (500, 3), (3, 200)] if LONG else [(2, 1), (20, 5)]


# Followed by an arrow key, because escape and a letter read together mean alt and the letter.
ESCAPE = "\x1b\x1b[A"


def test_console_works_at_any_terminal_size(env: dict[str, str], every_case: bool) -> None:
    terminal = _console(env)
    try:
        terminal.wait_for(r"acme/")
        for columns, rows in share_of(SIZES, every_case or LONG, step=2):
            terminal.resize(columns, rows)
            for keys in (
                "x",
                ESCAPE,
                "n",
                ESCAPE,
                "?",
                ESCAPE,
                ":",
                ESCAPE,
                "6",
                "1",
                "\r",
                ESCAPE,
                "/",
                ESCAPE,
            ):
                terminal.press(keys)
                terminal.pump(0.1)
            assert terminal.alive, terminal.text
        terminal.resize(80, 24)
        terminal.press("1")
        terminal.wait_for(r"acme/")
        terminal.press("\x11")
        assert terminal.wait_end() == 0
    finally:
        terminal.kill()


def _wait_gone(text: str, seconds: float) -> list[int]:
    """Wait until no command line contains a text; return the processes that remain."""
    deadline = time.monotonic() + seconds
    while (left := processes_with(text)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


# id: how the console of a demo ends
ENDS: dict[str, Callable[[Terminal], object]] = {
    "terminal closed": lambda terminal: terminal.hang_up(),
    "SIGHUP": lambda terminal: os.kill(terminal.pid, signal.SIGHUP),
    "SIGTERM": lambda terminal: os.kill(terminal.pid, signal.SIGTERM),
    "SIGKILL": lambda terminal: os.kill(terminal.pid, signal.SIGKILL),
}


# A terminal that is closed sends SIGHUP too.
@pytest.mark.sampled(3)
@pytest.mark.parametrize("end", [end for end in ENDS if LONG or end != "SIGHUP"])
def test_demo_plane_ends_with_it_and_gets_no_credentials(
    tmp_path: Path, seeded_database: Path, end: str
) -> None:
    database = Path(shutil.copy(seeded_database, tmp_path / "ends-with-the-demo.db"))
    secrets = {"MOGPLEX_TOKEN": "mog_PlantedToken", "MOGPLEX_SESSION_COOKIE": "session=PlantedCookie"}
    terminal = _console(private_environment(tmp_path / "home") | secrets, "demo", "--db", str(database))
    try:
        terminal.wait_for(r"acme/", 60)
        (child,) = (pid for pid in processes_with(str(database)) if pid != terminal.pid)
        environment = Path(f"/proc/{child}/environ").read_text()
        assert not [secret for secret in secrets.values() if secret in environment]
        ENDS[end](terminal)
        # Half a second on an idle machine; a plane checks twice a second whether its console is alive.
        assert _wait_gone(str(database), 5) == []
    finally:
        terminal.kill()
        for pid in processes_with(str(database)):
            os.kill(pid, signal.SIGKILL)
