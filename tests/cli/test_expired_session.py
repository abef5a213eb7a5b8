"""Commands with an expired browser session, where the token is used instead."""

from __future__ import annotations

import pytest

from mogplex_tui.controlplane.server import PlaneServer
from tests.cli.support import CommandResult, CommandRunner
from tests.controlplane.row_factory import RowFactory
from tests.pilot.hosted import HostedEdge

EXPIRED = "better-auth.session_token=dead"
MESSAGE = "The browser session has expired; the token is used in its place. Sign in again: mogplex-tui login --session."
# Commands that the token can carry out, commands for which no route is open to it, and one of v1 alone.
COMMANDS = (
    "models list",
    "models list --json",
    "settings list --output csv",
    "models disable acme/nova-1",
    "models enable acme/nova-1 --json",
    "runs list --json",
    "runs cancel 7d0c0000-0000-4000-8000-00000000dead --yes",
    "approvals list",
    # Several reads at once: the refusal of one cancels the others without a message.
    "stats --since 2020-01-01",
)
# The command that undoes each of these, so that it can be run again.
UNDONE_BY = {
    "models disable acme/nova-1": "models enable acme/nova-1",
    "models enable acme/nova-1 --json": "models disable acme/nova-1",
}


@pytest.mark.parametrize("profile", ["documented", "hosted"])
async def test_expired_session_is_reported_once(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory, profile: str
) -> None:
    """An expired session gives the result of no session, and one line on stderr."""
    factory.model("acme/nova-1")
    factory.call(metadata={"repo": "acme/api"})

    async def run(command: str, cookie: str | None, edge: HostedEdge) -> CommandResult:
        if command in UNDONE_BY:
            mogplex.use(edge.base_url, token=plane.token, cookie=plane.session_cookie)
            await mogplex(*UNDONE_BY[command].split())
        mogplex.use(edge.base_url, token=plane.token, cookie=cookie)
        return await mogplex(*command.split())

    different = []
    async with HostedEdge(plane.plane, profile=profile) as edge:
        for command in COMMANDS:
            without, expired = await run(command, None, edge), await run(command, EXPIRED, edge)
            if (expired.code, expired.out) != (without.code, without.out):
                different.append(f"{command} ends with {expired}, not with {without}")
            if expired.err.splitlines().count(MESSAGE) != 1:
                different.append(f"{command} says {expired.err!r}")
            lines = [line for line in expired.err.splitlines() if line != MESSAGE]
            # A command that the token cannot carry out has a message of its own too.
            others = [line.removeprefix("The browser session has expired. ") for line in lines]
            if others != without.err.splitlines():
                different.append(f"{command} says {expired.err!r}, and without a session {without.err!r}")
            alive = await run(command, plane.session_cookie, edge)
            if MESSAGE in alive.err:
                different.append(f"{command} says this of a session that is accepted")
    assert not different, "\n".join(different)


async def test_expired_session_without_token(mogplex: CommandRunner, plane: PlaneServer) -> None:
    async with HostedEdge(plane.plane) as edge:
        mogplex.use(edge.base_url, token=None, cookie=EXPIRED)
        result = await mogplex("models", "list")
    assert (result.code, result.out, MESSAGE in result.err) == (3, "", False)
    assert "sign in again" in result.err.lower()


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
async def test_doctor_reports_expired_session_in_its_report(
    mogplex: CommandRunner, plane: PlaneServer, form: tuple[str, ...]
) -> None:
    mogplex.use(plane.base_url, token=plane.token, cookie=EXPIRED)
    result = await mogplex("doctor", *form)
    assert (result.code, result.err) == (0, "")
    assert "expired" in result.out
