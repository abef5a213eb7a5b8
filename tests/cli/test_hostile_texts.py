"""Hostile text from the service cannot control the terminal or break output.

Nor is it a formula in a spreadsheet.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.case_share import share_of
from tests.cli.support import CommandRunner
from tests.pilot.hosted import HostedEdge
from tests.response_rewriting import with_numbers, with_texts

# Control characters of both sets, a clipboard write, colours, all line ends, direction marks and invisible characters.
CONTROLS = "\x00\x1b]52;c;aGk=\x07\x1b[31m\x7f\x9b31m\x85\u202e\u2066\u061c\u200b\u2028\ufeff\U000e0041\r\n\t\x0b\x1f"
UNSAFE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e0fff]"
)
NUMBER = re.compile(r"-?\d+(\.\d+)?")

KINDS = (
    "runs",
    "repos",
    "agents",
    "models",
    "sandboxes",
    "automations",
    "assignments",
    "jobs",
    "approvals",
)
VERBS = {
    "runs": ("get", "events", "cancel"),
    "repos": ("get", "favorite"),
    "models": ("get", "disable", "enable"),
    "sandboxes": ("get", "logs", "health", "reconcile"),
    "automations": ("get", "runs", "pause", "duplicate"),
    "assignments": ("get", "disable"),
    "jobs": ("get", "repair"),
}
COMMANDS_WITHOUT_RECORD = (
    ("stats",),
    ("cost", "--by", "model,repo"),
    ("settings", "get", "theme"),
    ("settings", "list"),
    ("models", "new"),
    ("repos", "import", "acme/none"),
)


def hostile_text(text: str) -> str:
    """Return a text that starts like a formula, behind terminal control sequences."""
    return "=+-@"[len(text) % 4] + CONTROLS + text


@asynccontextmanager
async def hostile_service(
    mogplex: CommandRunner, change: Callable[[Any], Any], every_case: bool, start: int
) -> AsyncIterator[list[tuple[str, ...]]]:
    """Return every command with a record, for a plane whose responses are hostile.

    Without `every_case` those of every second kind, from a place on.
    """
    async with PlaneServer(Settings(speed=0, rate_limit=None)) as server:
        mogplex.use(server.base_url, token=server.token, cookie=server.session_cookie)
        commands = list(COMMANDS_WITHOUT_RECORD)
        for name in share_of(KINDS, every_case, step=2, start=start):
            commands.append((name, "list"))
            first = (await mogplex(name, "list", "--json")).objects[0]["id"]
            commands += [(name, verb, first) for verb in VERBS.get(name, ("get",))]
        async with HostedEdge(server.plane, profile="documented", rewrite=change) as edge:
            mogplex.use(edge.base_url, token=server.token, cookie=server.session_cookie)
            yield commands


@pytest.mark.sampled(3)
@pytest.mark.parametrize("form", ["table", "wide", "csv"])
async def test_hostile_text_is_escaped_in_every_command(
    mogplex: CommandRunner, form: str, every_case: bool
) -> None:
    found: dict[tuple[str, ...], Any] = {}
    async with hostile_service(
        mogplex, lambda value: with_texts(value, hostile_text), every_case, 0
    ) as commands:
        for argv in commands:
            result = await mogplex(*argv, "--output", form)
            if bad := set(UNSAFE.findall(result.out + result.err)):
                found[argv] = bad
            if argv[-1] in ("list", "get"):
                assert result.lines, (argv, result.err)
            if form == "csv" and argv[1:2] not in (("logs",), ("favorite",)):
                rows = list(csv.reader(io.StringIO(result.out)))
                cells = [cell for row in rows for cell in row if cell[:1] in tuple("=+-@")]
                if formulas := [cell for cell in cells if not NUMBER.fullmatch(cell)]:
                    found[argv] = formulas[:3]
    assert found == {}


async def test_json_has_no_nan_or_infinity(mogplex: CommandRunner, every_case: bool) -> None:
    def refuse(word: str) -> None:
        raise ValueError(word)

    found: dict[tuple[str, ...], Any] = {}
    lines, numbers = 0, itertools.cycle([math.nan, math.inf, -math.inf])
    async with hostile_service(
        mogplex, lambda value: with_numbers(value, numbers), every_case, 1
    ) as commands:
        for argv in commands:
            result = await mogplex(*argv, "--json")
            for line in result.lines:
                lines += 1
                try:
                    json.loads(line, parse_constant=refuse)
                except ValueError as error:
                    found[argv] = str(error)
    assert found == {}
    assert lines > 100
