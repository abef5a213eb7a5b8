"""A token without the read scope: the console and the command name the scope."""

from __future__ import annotations

from pathlib import Path

import pytest

from mogplex_tui.api.route_access import Family
from mogplex_tui.cli import parser
from mogplex_tui.operate.kinds.registry import kinds
from tests.cli.support import CommandRunner
from tests.pilot.kinds.kind_screens import SEEDED, ServiceState, collapse_spaces, console_on, wait_for_list

WRITE_ONLY = ServiceState("hosted", SEEDED._replace(profile="hosted"), cookie=False, scopes=("write",))
ON_V1 = [
    kind.name
    for kind in kinds().values()
    if kind.name in parser.COMMANDS and any(source.family is Family.V1 for source in kind.sources)
]
# The routes of other lists check no scope (auth.md §4, §5.2).
NEEDS_READ = {"agents", "automations", "jobs"}


@pytest.mark.parametrize("name", ON_V1)
async def test_missing_read_scope_is_named(
    name: str, seeded_database: Path, tmp_path: Path, mogplex: CommandRunner
) -> None:
    async with console_on(WRITE_ONLY, seeded_database, tmp_path) as ui:
        token = ui.app.session.target.token
        assert token is not None
        mogplex.use(ui.server.base_url, token=token.reveal())
        listed = await mogplex(name, "list")
        one = await mogplex(name, "get", "something")
        await ui.app.parts.navigation.go(name)
        screen = await wait_for_list(ui, kinds()[name])
        shown = collapse_spaces(ui.text)
        reason = screen.model.closed_lines()
    if name not in NEEDS_READ:
        assert (listed.code, reason) == (0, []), listed.err
        return
    assert (listed.code, listed.out) == (one.code, one.out) == (4, "")
    assert "Use a token with the read scope" in listed.err
    assert "Use a token with the read scope" in one.err
    assert "Use a token with the read scope" in shown, reason
