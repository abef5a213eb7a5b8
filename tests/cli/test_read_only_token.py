"""Every command that changes something refuses a token without the write scope.

Off v1 the service does not check scopes (auth.md §5.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from mogplex_tui.cli.parser import COMMANDS
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.operate.kinds.registry import kind_called
from tests.cli.support import Mogplex
from tests.controlplane.row_factory import RowFactory
from tests.recording import recording

TYPED = [name for name, (module, _) in COMMANDS.items() if module.endswith("kind_commands")]
SAID = "This token may read only; use one with the write scope."
REPO, NOBODY = "3f1c2c1e-5b0e-4a57-9d0e-7a3f0f6b2a10", "7d0c0000-0000-4000-8000-00000000dead"
# Arguments of a command besides its record.
ALSO = {
    "api-keys create": ("ci",),
    "projects import": ("acme/new",),
    "automations create": ("Nightly", "--repo", "acme/api"),
    "agents create": ("--name", "Scribe", "--model", "acme/nova-1", "--category", "api"),
    "agents update": ("--description", "Notes"),
    "sandboxes launch": ("--repo", REPO),
    "sandboxes extend": ("--minutes", "5"),
    "sandboxes exec": ("--", "ls"),
    "automations trigger": ("--repo", REPO),
    "assignments create": ("--repo", REPO, "--agent", NOBODY, "--type", "pr_review"),
    "settings edit": ("dark",),
    "members role": ("viewer",),
}
PROBE = "POST /api/v1/mogplex/runs"


def _repo(world: RowFactory) -> str:
    """Add the repository that the table names, and return its id."""
    made = world.repo("acme/api")
    with world.plane.db.transaction() as tx:
        tx.execute("UPDATE repos SET id = ? WHERE id = ?", (REPO, made))
    return REPO


class Change(NamedTuple):
    """A command that changes something: its words before and after the record."""

    name: str
    verb: str
    options: tuple[str, ...]
    takes_record: bool = True

    def words(self, record: str) -> tuple[str, ...]:
        """Return the arguments of the command."""
        named = (record,) if self.takes_record else ()
        return (self.name, self.verb, *self.options, *named, *ALSO.get(f"{self.name} {self.verb}", ()))


def _changes() -> Iterator[Change]:
    """Yield every command that changes a record of a kind."""
    for name in TYPED:
        kind = kind_called(name)
        for creation in kind.creations:
            yield Change(name, creation.id, ("--reveal",) if creation.reveals else (), takes_record=False)
        for action in kind.actions:
            reveal = ("--reveal",) if action.reveals else ()
            yield Change(name, action.id, (*reveal, *(("--yes",) if action.confirmation else ())))


CHANGES = list(_changes())


async def test_no_command_sends_a_change_with_a_read_only_token(
    mogplex: Mogplex, plane: PlaneServer, world: RowFactory
) -> None:
    world.flow(world.agent())
    _repo(world)
    wrong: dict[str, object] = {}
    async with recording(plane.base_url) as recorded:
        mogplex.use(recorded.base_url, token=world.token(scopes=("read",)))
        for change in CHANGES:
            recorded.forget()
            done = await mogplex(*change.words(NOBODY))
            changes = [each for each in recorded.asked if not each.startswith("GET ")]
            # Off v1 no service checks the scope; one request reads it.
            found = (done.code, done.out, SAID in done.err, changes)
            if found != (4, "", True, [PROBE]):
                wrong[f"{change.name} {change.verb}"] = (found, done.err)
    assert wrong == {}
    assert len(CHANGES) > 35
    assert world.plane.db.value("SELECT count(*) FROM job_runs") == 0


@pytest.mark.parametrize(
    "argv", [("runs", "start", "--repo", REPO, "--prompt", "x"), ("runs", "cancel", "{run}", "--yes")]
)
async def test_a_run_is_neither_started_nor_cancelled_by_a_read_only_token(
    mogplex: Mogplex, plane: PlaneServer, world: RowFactory, argv: tuple[str, ...]
) -> None:
    call = world.call(repo_id=_repo(world))
    run = world.run(REPO, call)
    mogplex.use(plane.base_url, token=world.token(scopes=("read",)))
    done = await mogplex(*(part.format(run=run) for part in argv))
    assert (done.code, done.out) == (4, ""), done.err
    assert SAID in done.err
    assert world.row("ai_calls", call)["control_state"] == "active"
    assert world.plane.db.value("SELECT count(*) FROM external_agent_runs") == 1


@pytest.mark.parametrize("kind", ["call", "job"])
async def test_a_cancel_off_v1_is_not_sent_with_a_read_only_token(
    mogplex: Mogplex, plane: PlaneServer, world: RowFactory, kind: str
) -> None:
    call = world.call(type="chat", status="streaming")
    job = world.job(world.flow(), world.repo("acme/api"), start=True)
    async with recording(plane.base_url) as recorded:
        mogplex.use(recorded.base_url, token=world.token(scopes=("read",)))
        done = await mogplex("runs", "cancel", call if kind == "call" else job, "--yes")
    assert (done.code, done.out) == (4, ""), done.err
    assert SAID in done.err
    assert [each for each in recorded.asked if not each.startswith("GET ")] == [PROBE]
    assert world.row("ai_calls", call)["control_state"] == "active"
    assert world.row("job_runs", job)["status"] == "running"


async def test_a_session_sends_every_change_that_v1_alone_does_not_accept(
    mogplex: Mogplex, plane: PlaneServer, world: RowFactory
) -> None:
    world.flow(world.agent())
    _repo(world)
    wrong: dict[str, object] = {}
    async with recording(plane.base_url) as recorded:
        mogplex.use(recorded.base_url, token=world.token(scopes=("read",)), cookie=plane.session_cookie)
        for change in CHANGES:
            recorded.forget()
            done = await mogplex(*change.words(NOBODY))
            if SAID in done.err or PROBE in recorded.asked:
                wrong[f"{change.name} {change.verb}"] = (done.code, done.err, recorded.asked)
    assert wrong == {}
    assert world.plane.db.value("SELECT count(*) FROM job_runs") == 0


@pytest.mark.parametrize("kind", ["run", "call", "job"])
async def test_a_session_cancels_beside_a_read_only_token(
    mogplex: Mogplex, plane: PlaneServer, world: RowFactory, kind: str
) -> None:
    repo = _repo(world)
    call = world.call(repo_id=repo, metadata={"external_request_id": "k", "repo": "acme/api"})
    run = world.run(repo, call)
    job = world.job(world.flow(), repo, start=True)
    mogplex.use(plane.base_url, token=world.token(scopes=("read",)), cookie=plane.session_cookie)
    done = await mogplex("runs", "cancel", {"run": run, "call": call, "job": job}[kind], "--yes")
    assert (done.code, "is cancelled." in done.err, SAID in done.err) == (0, True, False), done.err
    assert (world.row("ai_calls", call)["control_state"] == "active") is (kind == "job")
    assert (world.row("job_runs", job)["status"] == "cancelled") is (kind == "job")


async def test_a_session_starts_no_run_beside_a_read_only_token(
    mogplex: Mogplex, plane: PlaneServer, world: RowFactory
) -> None:
    _repo(world)
    mogplex.use(plane.base_url, token=world.token(scopes=("read",)), cookie=plane.session_cookie)
    done = await mogplex("runs", "start", "--repo", REPO, "--prompt", "x")
    assert (done.code, done.out, SAID in done.err) == (4, "", True), done.err
    assert world.plane.db.value("SELECT count(*) FROM external_agent_runs") == 0


@pytest.mark.parametrize("cookie", [False, True], ids=["token alone", "token and session"])
async def test_only_a_token_without_a_session_costs_the_question(
    mogplex: Mogplex, plane: PlaneServer, world: RowFactory, cookie: bool
) -> None:
    world.model("acme/nova-1")
    async with recording(plane.base_url) as recorded:
        mogplex.use(recorded.base_url, token=plane.token, cookie=plane.session_cookie if cookie else None)
        done = await mogplex("models", "disable", "acme/nova-1")
    assert done.code == 0, done.err
    assert recorded.asked.count(PROBE) == (0 if cookie else 1)


async def test_a_read_only_token_does_not_stand_in_for_a_session_that_has_ended(
    mogplex: Mogplex, plane: PlaneServer, world: RowFactory
) -> None:
    world.model("acme/nova-1")
    async with recording(plane.base_url) as recorded:
        mogplex.use(
            recorded.base_url,
            token=world.token(scopes=("read",)),
            cookie="better-auth.session_token=dead",
        )
        done = await mogplex("models", "disable", "acme/nova-1")
    assert done.code in (3, 4), done.err
    assert SAID in done.err
    assert not [each for each in recorded.asked if each.startswith(("PATCH ", "PUT ", "DELETE "))][1:]
    assert world.plane.db.value("SELECT count(*) FROM model_preferences") == 0
