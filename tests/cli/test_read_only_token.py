"""Every command that changes something refuses a token without the write scope.

Off v1 the service does not check scopes (auth.md §5.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from mogplex_tui.cli.parser import COMMANDS
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.operate.kinds.registry import load_kind
from tests.cli.support import CommandRunner
from tests.controlplane.row_factory import RowFactory
from tests.recording import recording

KIND_COMMANDS = [name for name, (module, _) in COMMANDS.items() if module.endswith("kind_commands")]
MESSAGE = "This token is read-only; use one with the write scope."
REPO, UNKNOWN_RECORD = "3f1c2c1e-5b0e-4a57-9d0e-7a3f0f6b2a10", "7d0c0000-0000-4000-8000-00000000dead"
# Arguments of a command besides its record.
OPTIONS = {
    "api-keys create": ("ci",),
    "projects import": ("acme/new",),
    "automations create": ("Nightly", "--repo", "acme/api"),
    "agents create": ("--name", "Scribe", "--model", "acme/nova-1", "--category", "api"),
    "agents update": ("--description", "Notes"),
    "sandboxes launch": ("--repo", REPO),
    "sandboxes extend": ("--minutes", "5"),
    "sandboxes exec": ("--", "ls"),
    "automations trigger": ("--repo", REPO),
    "assignments create": ("--repo", REPO, "--agent", UNKNOWN_RECORD, "--type", "pr_review"),
    "settings edit": ("dark",),
    "members role": ("viewer",),
}
PROBE = "POST /api/v1/mogplex/runs"


def _add_repo(factory: RowFactory) -> str:
    """Add the repository that the table names, and return its id."""
    made = factory.repo("acme/api")
    with factory.plane.db.transaction() as tx:
        tx.execute("UPDATE repos SET id = ? WHERE id = ?", (REPO, made))
    return REPO


class ChangeCommand(NamedTuple):
    """A command that changes something: its words before and after the record."""

    name: str
    verb: str
    options: tuple[str, ...]
    takes_record: bool = True

    def arguments(self, record: str) -> tuple[str, ...]:
        """Return the arguments of the command."""
        named = (record,) if self.takes_record else ()
        return (self.name, self.verb, *self.options, *named, *OPTIONS.get(f"{self.name} {self.verb}", ()))


def _changes() -> Iterator[ChangeCommand]:
    """Yield every command that changes a record of a kind."""
    for name in KIND_COMMANDS:
        kind = load_kind(name)
        for creation in kind.creations:
            yield ChangeCommand(
                name, creation.id, ("--reveal",) if creation.reveals else (), takes_record=False
            )
        for action in kind.actions:
            reveal = ("--reveal",) if action.reveals else ()
            yield ChangeCommand(name, action.id, (*reveal, *(("--yes",) if action.confirmation else ())))


CHANGES = list(_changes())


async def test_commands_refuse_changes_with_read_only_token(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory
) -> None:
    factory.flow(factory.agent())
    _add_repo(factory)
    failures: dict[str, object] = {}
    async with recording(plane.base_url) as recorded:
        mogplex.use(recorded.base_url, token=factory.token(scopes=("read",)))
        for change in CHANGES:
            recorded.forget()
            result = await mogplex(*change.arguments(UNKNOWN_RECORD))
            changes = [each for each in recorded.asked if not each.startswith("GET ")]
            # Off v1 no service checks the scope; one request reads it.
            found = (result.code, result.out, MESSAGE in result.err, changes)
            if found != (4, "", True, [PROBE]):
                failures[f"{change.name} {change.verb}"] = (found, result.err)
    assert failures == {}
    assert len(CHANGES) > 35
    assert factory.plane.db.value("SELECT count(*) FROM job_runs") == 0


@pytest.mark.parametrize(
    "argv",
    [("runs", "start", "--repo", REPO, "--prompt", "x"), ("runs", "cancel", "{run}", "--yes")],
    ids=["start", "cancel"],
)
async def test_read_only_token_neither_starts_nor_cancels_run(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory, argv: tuple[str, ...]
) -> None:
    call = factory.call(repo_id=_add_repo(factory))
    run = factory.run(REPO, call)
    mogplex.use(plane.base_url, token=factory.token(scopes=("read",)))
    result = await mogplex(*(part.format(run=run) for part in argv))
    assert (result.code, result.out) == (4, ""), result.err
    assert MESSAGE in result.err
    assert factory.row("ai_calls", call)["control_state"] == "active"
    assert factory.plane.db.value("SELECT count(*) FROM external_agent_runs") == 1


@pytest.mark.parametrize("kind", ["call", "job"])
async def test_read_only_token_sends_no_cancel_off_v1(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory, kind: str
) -> None:
    call = factory.call(type="chat", status="streaming")
    job = factory.job(factory.flow(), factory.repo("acme/api"), start=True)
    async with recording(plane.base_url) as recorded:
        mogplex.use(recorded.base_url, token=factory.token(scopes=("read",)))
        result = await mogplex("runs", "cancel", call if kind == "call" else job, "--yes")
    assert (result.code, result.out) == (4, ""), result.err
    assert MESSAGE in result.err
    assert [each for each in recorded.asked if not each.startswith("GET ")] == [PROBE]
    assert factory.row("ai_calls", call)["control_state"] == "active"
    assert factory.row("job_runs", job)["status"] == "running"


async def test_session_sends_changes_despite_read_only_token(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory
) -> None:
    factory.flow(factory.agent())
    _add_repo(factory)
    failures: dict[str, object] = {}
    async with recording(plane.base_url) as recorded:
        mogplex.use(recorded.base_url, token=factory.token(scopes=("read",)), cookie=plane.session_cookie)
        for change in CHANGES:
            recorded.forget()
            result = await mogplex(*change.arguments(UNKNOWN_RECORD))
            if MESSAGE in result.err or PROBE in recorded.asked:
                failures[f"{change.name} {change.verb}"] = (result.code, result.err, recorded.asked)
    assert failures == {}
    assert factory.plane.db.value("SELECT count(*) FROM job_runs") == 0


@pytest.mark.parametrize("kind", ["run", "call", "job"])
async def test_session_cancels_run_despite_read_only_token(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory, kind: str
) -> None:
    repo = _add_repo(factory)
    call = factory.call(repo_id=repo, metadata={"external_request_id": "k", "repo": "acme/api"})
    run = factory.run(repo, call)
    job = factory.job(factory.flow(), repo, start=True)
    mogplex.use(plane.base_url, token=factory.token(scopes=("read",)), cookie=plane.session_cookie)
    result = await mogplex("runs", "cancel", {"run": run, "call": call, "job": job}[kind], "--yes")
    assert (result.code, "is cancelled." in result.err, MESSAGE in result.err) == (0, True, False), result.err
    assert (factory.row("ai_calls", call)["control_state"] == "active") is (kind == "job")
    assert (factory.row("job_runs", job)["status"] == "cancelled") is (kind == "job")


async def test_session_starts_no_run_with_read_only_token(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory
) -> None:
    _add_repo(factory)
    mogplex.use(plane.base_url, token=factory.token(scopes=("read",)), cookie=plane.session_cookie)
    result = await mogplex("runs", "start", "--repo", REPO, "--prompt", "x")
    assert (result.code, result.out, MESSAGE in result.err) == (4, "", True), result.err
    assert factory.plane.db.value("SELECT count(*) FROM external_agent_runs") == 0


@pytest.mark.parametrize("cookie", [False, True], ids=["token alone", "token and session"])
async def test_scope_check_is_for_tokens_without_session_only(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory, cookie: bool
) -> None:
    factory.model("acme/nova-1")
    async with recording(plane.base_url) as recorded:
        mogplex.use(recorded.base_url, token=plane.token, cookie=plane.session_cookie if cookie else None)
        result = await mogplex("models", "disable", "acme/nova-1")
    assert result.code == 0, result.err
    assert recorded.asked.count(PROBE) == (0 if cookie else 1)


async def test_read_only_token_does_not_replace_expired_session(
    mogplex: CommandRunner, plane: PlaneServer, factory: RowFactory
) -> None:
    factory.model("acme/nova-1")
    async with recording(plane.base_url) as recorded:
        mogplex.use(
            recorded.base_url,
            token=factory.token(scopes=("read",)),
            cookie="better-auth.session_token=dead",
        )
        result = await mogplex("models", "disable", "acme/nova-1")
    assert result.code in (3, 4), result.err
    assert MESSAGE in result.err
    assert not [each for each in recorded.asked if each.startswith(("PATCH ", "PUT ", "DELETE "))][1:]
    assert factory.plane.db.value("SELECT count(*) FROM model_preferences") == 0
