"""Odd responses of the service end a command with a message and an exit code.

Nothing is printed on stdout.
"""

from __future__ import annotations

import pytest

from mogplex_tui.api import errors as e
from tests.api.support import http, serving
from tests.cli.support import TOKEN, CommandRunner
from tests.facts.client_calls import NOBODY
from tests.facts.oddities import EVERY, O11Y_READ, V1_READ, Oddity

COMMANDS = {V1_READ: ("runs", "get", NOBODY, "--json"), O11Y_READ: ("stats", "--json")}
# Errors with an exit code of their own; all others have 1.
EXITS: dict[type[e.MogplexError], int] = {
    e.NotSignedIn: 3,
    e.LoginRequired: 3,
    e.SuspectedThrottle: 5,
    e.NotAllowed: 4,
    e.Throttled: 5,
    e.Unavailable: 6,
    e.TimedOut: 6,
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("oddity", [o for o in EVERY if o.asked in COMMANDS], ids=lambda oddity: oddity.name)
async def test_error_gives_message_and_exit_code(mogplex: CommandRunner, oddity: Oddity) -> None:
    headers = {name.replace("-", "_"): value for name, value in oddity.headers.items()}
    answer = http(oddity.status, oddity.content, oddity.content_type, **headers)
    async with serving(answer) as service:
        mogplex.use(service.base_url)
        result = await mogplex(*COMMANDS[oddity.asked])
    assert result.code == EXITS.get(oddity.kind, 1), result.err
    assert result.out == ""
    assert result.err.strip() and oddity.says in result.err
    assert TOKEN not in result.err and "Traceback" not in result.err
