"""Every command with each of the six sets of credentials gives its result."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli import support
from tests.cli.conftest import _no_delays, _restore_loggers, mogplex
from tests.cli.support import CommandRunner
from tests.credentials.credential_sets import USUAL, Credentials, Services, services
from tests.credentials.expected_commands import (
    NOT_ALLOWED,
    NOT_SIGNED_IN,
    READS,
    WRITES,
    CommandRow,
    ExpectedResult,
)

__all__ = ["_no_delays", "_restore_loggers", "mogplex"]

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f-]{27})?")
HOMES = ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME")


def _ids_by_name(running: Services) -> dict[str, str]:
    """Return the ids that the names in capitals stand for.

    The records have ended and do not change.
    """
    plane = running.server_of(Credentials.BOTH).plane
    db, owner = plane.db, plane.user_id
    run = db.one(
        "SELECT id FROM external_agent_runs WHERE user_id = ? AND status = 'success' ORDER BY created_at DESC",
        (owner,),
    )
    call = db.one(
        "SELECT id FROM ai_calls WHERE user_id = ? AND job_run_id IS NULL AND completed_at IS NOT NULL"
        " AND id NOT IN (SELECT ai_call_id FROM external_agent_runs) ORDER BY started_at DESC",
        (owner,),
    )
    job = db.one(
        "SELECT id, flow_id FROM job_runs WHERE status = 'success' AND flow_id IS NOT NULL ORDER BY created_at DESC"
    )
    sandbox = db.one("SELECT id FROM sandboxes WHERE user_id = ? ORDER BY last_active_at DESC", (owner,))
    repo = db.one("SELECT id FROM repos WHERE user_id = ? AND full_name = 'acme/api'", (owner,))
    assert run and call and job and sandbox and repo
    return {
        "RUN": run["id"],
        "CALL": call["id"],
        "JOB": job["id"],
        "AUTOMATION": job["flow_id"],
        "SANDBOX": sandbox["id"],
        "REPO": repo["id"],
        "MODEL": "anthropic/claude-sonnet-5",
    }


class Shell:
    """Run commands with one set of credentials after the other.

    Each set has its own home directory.
    """

    def __init__(
        self, running: Services, mogplex: CommandRunner, monkeypatch: pytest.MonkeyPatch, directory: Path
    ) -> None:
        self._running, self._mogplex, self._monkeypatch, self._directory = (
            running,
            mogplex,
            monkeypatch,
            directory,
        )
        self._ids_by_name = _ids_by_name(running)

    def use(self, credentials: Credentials) -> None:
        """Set a set of credentials in the environment."""
        home = self._directory / credentials.name
        home.mkdir(exist_ok=True)
        for name in HOMES:
            self._monkeypatch.setenv(name, str(home))
        self._edge, (token, cookie) = (
            self._running.edge_of(credentials),
            self._running.values_of(credentials),
        )
        self._mogplex.use(self._edge.base_url, token=token, cookie=cookie)

    async def run(self, row: CommandRow) -> tuple[support.CommandResult, int]:
        """Run a command with JSON output; return its result and its requests."""
        self._edge.requests.clear()
        argv = [self._ids_by_name.get(word, word) for word in row.command.split()]
        result = await self._mogplex(*argv, "--json")
        return result, len(self._edge.requests)


def _record_ids(result: support.CommandResult) -> list[str]:
    return [str(each.get("id") or each.get("family") or each["object"]) for each in result.objects]


def _runs_without_names(result: support.CommandResult) -> list[str]:
    """Return the runs that are printed without a repository or agent name."""
    return [
        f"run {each['id']}"
        for each in result.objects
        if (each["repo_id"] and not each["repo"]) or _ID.fullmatch(each["who"] or "-")
    ]


@pytest.mark.parametrize("rows", [READS, WRITES], ids=["reads", "writes"])
async def test_every_command_gives_the_expected_result(
    seeded_database: Path,
    tmp_path: Path,
    mogplex: CommandRunner,
    monkeypatch: pytest.MonkeyPatch,
    rows: tuple[CommandRow, ...],
    every_case: bool,
) -> None:
    # What a read-only token may not do shows in the writes.
    chosen = Credentials if every_case or rows is WRITES else USUAL
    differences, both = list[str](), dict[str, support.CommandResult]()
    async with services(seeded_database, tmp_path) as running:
        shell = Shell(running, mogplex, monkeypatch, tmp_path)
        # First the set that the others are compared with.
        for credentials in sorted(chosen, key=lambda each: each is not Credentials.BOTH):
            shell.use(credentials)
            for row in rows:
                result, requests = await shell.run(row)
                reference = both.setdefault(row.command, result)
                expected = row.cell(credentials)
                compared = credentials is not Credentials.BOTH and expected.is_same is not None
                is_same = _record_ids(result) == _record_ids(reference) if compared else expected.is_same
                message = (
                    expected.message if expected.message and expected.message in result.err else result.err
                )
                actual = ExpectedResult(result.code, requests, message, is_same)
                if row.command == "runs list":
                    differences += [
                        f"{each} has no name with {credentials}" for each in _runs_without_names(result)
                    ]
                if result.code in (NOT_SIGNED_IN, NOT_ALLOWED) and "is not known" in result.err:
                    # A credential is refused before anything is done.
                    differences.append(f"{row.command} with {credentials} says {result.err}")
                if actual != expected:
                    differences.append(
                        f"{row.command} with {credentials}:\n  does {actual}\n  wants {expected}"
                    )
    assert not differences, "\n".join(differences)
