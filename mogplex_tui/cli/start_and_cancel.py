"""`runs start` and `runs cancel` (v1.md §7.2, §9; observability.md §3)."""

from __future__ import annotations

import argparse
import logging
from typing import TYPE_CHECKING

from mogplex_tui.api.access import Family
from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import (
    IdempotencyConflict,
    MogplexError,
    NotFound,
    Throttled,
    Unavailable,
    Unreachable,
)
from mogplex_tui.api.request_rules import is_uuid
from mogplex_tui.cli.command_context import Stop, code_of, say
from mogplex_tui.cli.command_session import patiently
from mogplex_tui.cli.confirm_prompt import agreed, must_be_able_to_ask
from mogplex_tui.cli.event_follow import Follower, ending
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.cli.kind_output import print_record
from mogplex_tui.cli.run_records import RunRecords
from mogplex_tui.live.names import read_hidden
from mogplex_tui.live.run_row import ENDED_STATES, RunRow
from mogplex_tui.operate import run_changes
from mogplex_tui.operate.executor import Outcome, new_idempotency_key
from mogplex_tui.operate.kind_rows import unavailable_reason
from mogplex_tui.operate.kinds.runs import KIND
from mogplex_tui.operate.model import Values
from mogplex_tui.operate.run_actions import CANCEL, REPO, Draft
from mogplex_tui.operate.run_facts import name_of, summary

if TYPE_CHECKING:
    from mogplex_tui.api.models.library import Repo
    from mogplex_tui.cli.command_session import Setting

log = logging.getLogger("mogplex.cli")
HIDDEN_BY_ID = (
    "A token does not list hidden repositories: give the id of one, or add a browser session with "
    "mogplex-tui login --session."
)


async def start(setting: Setting, arguments: argparse.Namespace, values: Values) -> int:
    """Start a run, print its id, and follow it with `--follow`."""
    setting.must_write("The new run")
    session, records = setting.session, RunRecords(setting)
    repo = await _repo(setting, values[REPO])
    draft = Draft.of(Values({**values.texts, REPO.name: repo.id}), repo.full_name)
    key = arguments.idempotency_key or new_idempotency_key()
    known = {run.run_id for run in session.history.all()}
    try:
        row = await run_changes.start(session, records.runs, draft, key)
    except (Unreachable, Unavailable):
        say(
            f"Whether the run was started is not known. The same command with --idempotency-key {key} is safe."
        )
        raise
    except IdempotencyConflict:
        say(f"The key {setting.output.shown(key)} has started another run before.")
        raise
    verb = "was started by this key before" if row.run_id in known else "is started"
    say(f"{name_of(row)} {verb}, on branch {setting.output.shown(row.branch or 'of its own')}.")
    if setting.output.as_json or not arguments.follow:
        print_record(KIND, setting.output, row, row.run_id or row.key)
    setting.output.flush()
    if not arguments.follow:
        return Exit.OK
    row = await Follower(setting, records, row).until_over()
    return ending(setting, row, exit_status=arguments.exit_status)


async def _repo(setting: Setting, text: str) -> Repo:
    """Return the repository of an id or owner/name, hidden ones included.

    The service answers an unknown id with 503 however often it is asked, so an id is checked where that is possible.
    """
    if is_uuid(text):
        return await _repo_by_id(setting, text.lower())
    if "/" not in text:
        raise Stop(Exit.USAGE, f"{text!r} is not a repository: give owner/name, or its id.")
    client, names = setting.session.client.at(Priority.ACTION), setting.session.names
    near = await patiently(lambda: client.repos.list(q=text))
    found = {repo.id: repo.full_name for repo in near if repo.full_name.lower() == text.lower()}
    hidden_too = not found and await read_hidden(setting.session, Priority.ACTION)
    if hidden_too:
        found = {key: name for key, name in names.repos.items() if name.lower() == text.lower()}
    if len(found) > 1:
        raise Stop(
            Exit.USAGE,
            f"{text} is there {len(found)} times; give one of the ids: {', '.join(sorted(found))}.",
        )
    for key, name in found.items():
        return next((repo for repo in near if repo.id == key), None) or _named_repo(key, name)
    also = f" There are: {', '.join(sorted(repo.full_name for repo in near)[:8])}." if near else ""
    hidden = "" if hidden_too else f" {HIDDEN_BY_ID}"
    raise Stop(Exit.FAILED, f"No repository of this account is called {text}.{also}{hidden}")


async def _repo_by_id(setting: Setting, repo_id: str) -> Repo:
    session, client = setting.session, setting.session.client.at(Priority.ACTION)
    try:
        listed = await patiently(lambda: client.repos.list(id=repo_id))
    except Throttled:
        # A start needs only the id; the name would only be shown.
        return _named_repo(repo_id, repo_id)
    if listed:
        return listed[0]
    if session.open(Family.REPOS):
        try:
            # The token API does not list hidden repositories.
            hidden = await client.imported_repos.get(repo_id)
        except NotFound:
            raise Stop(Exit.FAILED, f"The service does not know a repository {repo_id}.") from None
        except MogplexError as error:
            log.info("whether repository %s is hidden could not be read: %s", repo_id, error)
        else:
            return _named_repo(repo_id, hidden.full_name)
    say(f"Repository {repo_id} is not in the token's list; it is used as it is, because it may be hidden.")
    return _named_repo(repo_id, repo_id)


def _named_repo(repo_id: str, name: str) -> Repo:
    from mogplex_tui.api.models.library import Repo

    return Repo(id=repo_id, full_name=name)


async def cancel(setting: Setting, arguments: argparse.Namespace) -> int:
    """Ask for confirmation, cancel the run, read it again and report its state."""
    setting.must_write("The cancel")
    if not arguments.yes:
        must_be_able_to_ask("cancel")
    records = RunRecords(setting)
    row = await records.find(arguments.run)
    if row.state in ENDED_STATES:
        return _tell(setting, row, f"{name_of(row)} is already over: {row.state}.")
    if row.external and row.run_id is None:
        row = await records.learn_from_events(row)
    if why := unavailable_reason(CANCEL, row, setting.session):
        raise Stop(Exit.NOT_ALLOWED, why)
    if row.run_id is None:
        # On v1 the service checks the token's scope itself; on other routes nothing does.
        await setting.must_have_scope("The cancel")
    if not arguments.yes:
        now = setting.session.clock.now()
        question = f"Cancel {name_of(row)}, {summary(row, now)}? {CANCEL.warning(row)}"
        if not agreed(setting, question):
            raise Stop(Exit.FAILED, "Nothing was cancelled.")
    outcome = await run_changes.execute_cancel(
        setting.session,
        records.runs,
        row,
        lambda each: records.reread(each, Priority.ACTION),
        "the same command",
    )
    return _report(setting, outcome)


def _report(setting: Setting, outcome: Outcome) -> int:
    """Report the outcome of a cancel and return the exit code."""
    now, error = outcome.row, outcome.error
    if now is None:
        if error is not None:
            raise error
        say(setting.output.shown(outcome.sentence))
        return Exit.FAILED
    if now.state in ENDED_STATES:
        return _tell(setting, now, outcome.sentence)
    if error is None:
        # The request was accepted; the run's worker ends the run later.
        _tell(setting, now, outcome.sentence)
        return Exit.OK
    if outcome.recorded:
        _tell(setting, now, outcome.sentence)
    else:
        say(setting.output.shown(outcome.sentence))
    return code_of(error)


def _tell(setting: Setting, row: RunRow, sentence: str) -> int:
    """Report and print the state of the run; return 0 if it is cancelled, else 1."""
    say(setting.output.shown(sentence))
    print_record(KIND, setting.output, row, row.run_id or row.key, row.state)
    return Exit.OK if row.state == "cancelled" else Exit.FAILED
