"""A read-only console under a random operator: nothing but GET leaves it."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal
from tests.hostile.plane import Plane
from tests.hostile.program_environment import PROGRAM, ROOT, credentials, private_environment
from tests.hostile.random_operator import RandomOperator
from tests.hostile.recording_proxy import RecordingProxy

LONG = os.environ.get("MOGPLEX_TEST_LONG") == "1"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory, seeded_database: Path) -> Iterator[Plane]:
    folder = tmp_path_factory.mktemp("plane")
    database = Path(shutil.copy(seeded_database, folder / "plane.db"))
    running = Plane(database, ["--rate-limit", "off"], private_environment(folder / "home"))
    running.start()
    yield running
    running.stop()


# id: (options of the console, its config.toml, whether it works in a read-only context)
RULES: dict[str, tuple[tuple[str, ...], str, bool]] = {
    "option": (("--read-only",), "", False),
    "config file": ((), "read_only = true\n", False),
    "context": ((), "", True),
}


@pytest.mark.parametrize("rule", RULES if LONG else ("context",))
def test_read_only_console_sends_only_reads(plane: Plane, tmp_path: Path, rule: str) -> None:
    options, config, is_context = RULES[rule]
    env = private_environment(tmp_path / "home")
    folder = tmp_path / "home" / "config" / "mogplex-tui"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(config)
    with RecordingProxy(plane.port) as proxy:
        env |= credentials(plane.about, proxy.url)
        if is_context:
            stored = {"base_url": proxy.url, "read_only": True}
            (folder / "contexts.json").write_text(
                json.dumps({"current": "safe", "contexts": {"safe": stored}})
            )
        terminal = Terminal([*PROGRAM, *options], columns=100, rows=30, env=env, cwd=ROOT)
        try:
            terminal.wait_for(r"\? help")
            operator = RandomOperator(terminal, random.Random(rule))
            for _ in range(30 if LONG else 3):
                operator.change_something()
                for _ in range(3):
                    operator.act()
                    terminal.pump(0.05)
            assert terminal.alive
        finally:
            terminal.kill()
        assert len(proxy.requests) > 5
        assert [(each.method, each.path) for each in proxy.writes()] == []
