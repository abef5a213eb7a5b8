"""The verbs `runs start` and `runs cancel` (v1.md §7.2, §9; observability.md §3)."""

from __future__ import annotations

import argparse
import logging
from typing import TYPE_CHECKING

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import (
    IdempotencyConflict,
    MogplexError,
    NotFound,
    Throttled,
    Unavailable,
    Unreachable,
)
from mogplex_tui.api.request_checks import is_uuid
from mogplex_tui.api.route_access import Family
from mogplex_tui.cli.command_context import CommandError, code_of, say
from mogplex_tui.cli.command_session import with_retries
from mogplex_tui.cli.confirm_prompt import is_confirmed, require_prompt
from mogplex_tui.cli.event_follow import EventFollower, report_end
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
    from mogplex_tui.api.models.v1_catalogue import Repo
    from mogplex_tui.cli.command_session import CommandSession

log = logging.getLogger("mogplex.cli")
HIDDEN_BY_ID = (
    "A token does not list hidden repositories: give the ID of one, or add a browser session with "
    "mogplex-tui login --session."
)


async def start(command: CommandSession, arguments: argparse.Namespace, values: Values) -> int:
    """Start a run, print its id, and follow its events if `--follow` is given.

    Returns the exit code.
    """
    command.require_write_access("The new run")
    session, records = command.session, RunRecords(command)
    repo = await _repo(command, values[REPO])
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
        say(f"The key {command.output.safe_text(key)} has started another run before.")
        raise
    verb = "was already started with this key" if row.run_id in known else "is started"
    branch = f"branch {command.output.safe_text(row.branch)}" if row.branch else "an auto-generated branch"
    say(f"{name_of(row)} {verb}, on {branch}.")
    if command.output.as_json or not arguments.follow:
        print_record(KIND, command.output, row, row.run_id or row.key)
    command.output.flush()
    if not arguments.follow:
        return Exit.OK
    row = await EventFollower(command, records, row).follow_until_end()
    return report_end(command, row, exit_status=arguments.exit_status)


async def _repo(command: CommandSession, text: str) -> Repo:
    """Return the repository with the given id or the name `owner/name`.

    Hidden repositories are included. An id is checked if possible, because the service responds
    with 503 to the start of a run in an unknown repository.
    """
    if is_uuid(text):
        return await _repo_by_id(command, text.lower())
    if "/" not in text:
        raise CommandError(Exit.USAGE, f"{text!r} is not a repository: give owner/name or an ID.")
    client, names = command.session.client.at(Priority.ACTION), command.session.names
    similar = await with_retries(lambda: client.repos.list(q=text))
    names_by_id = {repo.id: repo.full_name for repo in similar if repo.full_name.lower() == text.lower()}
    includes_hidden = not names_by_id and await read_hidden(command.session, Priority.ACTION)
    if includes_hidden:
        names_by_id = {key: name for key, name in names.repos.items() if name.lower() == text.lower()}
    if len(names_by_id) > 1:
        raise CommandError(
            Exit.USAGE,
            f"{text} matches {len(names_by_id)} repositories; use one of the IDs: {', '.join(sorted(names_by_id))}.",
        )
    for key, name in names_by_id.items():
        return next((repo for repo in similar if repo.id == key), None) or _named_repo(key, name)
    listed = f" Available: {', '.join(sorted(repo.full_name for repo in similar)[:8])}." if similar else ""
    advice = "" if includes_hidden else f" {HIDDEN_BY_ID}"
    raise CommandError(Exit.FAILED, f"No repository of this account is called {text}.{listed}{advice}")


async def _repo_by_id(command: CommandSession, repo_id: str) -> Repo:
    session, client = command.session, command.session.client.at(Priority.ACTION)
    try:
        listed = await with_retries(lambda: client.repos.list(id=repo_id))
    except Throttled:
        # A start needs only the id; the name would only be shown.
        return _named_repo(repo_id, repo_id)
    if listed:
        return listed[0]
    if session.may_request(Family.REPOS):
        try:
            # The token API does not list hidden repositories.
            hidden = await client.imported_repos.get(repo_id)
        except NotFound:
            raise CommandError(Exit.FAILED, f"The service does not know a repository {repo_id}.") from None
        except MogplexError as error:
            log.info("whether repository %s is hidden could not be read: %s", repo_id, error)
        else:
            return _named_repo(repo_id, hidden.full_name)
    say(f"Repository {repo_id} is not in the token's list; it is used as it is, because it may be hidden.")
    return _named_repo(repo_id, repo_id)


def _named_repo(repo_id: str, name: str) -> Repo:
    from mogplex_tui.api.models.v1_catalogue import Repo

    return Repo(id=repo_id, full_name=name)


async def cancel(command: CommandSession, arguments: argparse.Namespace) -> int:
    """Ask for confirmation, cancel a run and print its new state.

    Returns the exit code.
    """
    command.require_write_access("The cancel")
    if not arguments.yes:
        require_prompt("cancel")
    records = RunRecords(command)
    row = await records.find(arguments.run)
    if row.state in ENDED_STATES:
        return _report_state(command, row, f"{name_of(row)} already finished ({row.state}).")
    if row.external and row.run_id is None:
        row = await records.learn_from_events(row)
    if reason := unavailable_reason(CANCEL, row, command.session):
        raise CommandError(Exit.NOT_ALLOWED, reason)
    if row.run_id is None:
        # On v1 the service checks the token's scope itself; on other routes nothing does.
        await command.require_write_scope("The cancel")
    if not arguments.yes:
        now = command.session.clock.now()
        question = f"Cancel {name_of(row)}, {summary(row, now)}? {CANCEL.warning(row)}"
        if not is_confirmed(command, question):
            raise CommandError(Exit.FAILED, "Nothing was cancelled.")
    outcome = await run_changes.execute_cancel(
        command.session,
        records.runs,
        row,
        lambda current: records.reread(current, Priority.ACTION),
        "the same command",
    )
    return _report_outcome(command, outcome)


def _report_outcome(command: CommandSession, outcome: Outcome) -> int:
    """Report the outcome of a cancel and return the exit code."""
    row, error = outcome.row, outcome.error
    if row is None:
        if error is not None:
            raise error
        say(command.output.safe_text(outcome.sentence))
        return Exit.FAILED
    if row.state in ENDED_STATES:
        return _report_state(command, row, outcome.sentence)
    if error is None:
        # The request was accepted; the run's worker ends the run later.
        _report_state(command, row, outcome.sentence)
        return Exit.OK
    if outcome.recorded:
        _report_state(command, row, outcome.sentence)
    else:
        say(command.output.safe_text(outcome.sentence))
    return code_of(error)


def _report_state(command: CommandSession, row: RunRow, sentence: str) -> int:
    """Print a sentence and a run's state; return 0 if the run is cancelled or else 1."""
    say(command.output.safe_text(sentence))
    print_record(KIND, command.output, row, row.run_id or row.key, row.state)
    return Exit.OK if row.state == "cancelled" else Exit.FAILED
