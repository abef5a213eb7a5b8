"""The actions that start and cancel runs (v1.md §7.2, §9; observability.md §3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from mogplex_tui.api.route_access import Family, Reach
from mogplex_tui.live.reasons import Requirement
from mogplex_tui.live.run_row import ENDED_STATES, RunRow, RunSource
from mogplex_tui.operate import parameter_choices
from mogplex_tui.operate.common_parameters import NO_YES, optional_text
from mogplex_tui.operate.model import Action, Change, Confirmation, Creation, Parameter, Values
from mogplex_tui.operate.run_facts import cancel_consequence, name_of

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.runs import RunStart
    from mogplex_tui.live.session import Session
    from mogplex_tui.operate.job_rows import JobRow

# The coding agents that the service runs (v1.md §7.2).
HARNESSES = ("codex", "claude-code")


# Start ---------------------------------------------------------------------------------------------------------------


def _harness(text: str) -> str:
    if text not in HARNESSES:
        raise ValueError(f"Choose {' or '.join(HARNESSES)}.")
    return text


def _yes_no_or_none(text: str) -> bool | None:
    if text and text not in NO_YES:
        raise ValueError("Choose yes or no.")
    return text == "yes" if text else None


REPO = Parameter(
    "repo",
    "repository (owner/name or ID)",
    parameter_choices.required_text("Choose a repository."),
    live_choices=parameter_choices.repository_choices,
    choices_are_names=True,
    label="repository",
)
PROMPT = Parameter(
    "prompt",
    "task for the agent",
    parameter_choices.required_text("The prompt must not be empty."),
    accepts_stdin=True,
)
HARNESS = Parameter(
    "harness", "coding agent that does the task", _harness, default=HARNESSES[0], choices=HARNESSES
)
BASE = optional_text("base", "base branch", when_empty="the default branch")
BRANCH = optional_text("branch", "working branch", when_empty="auto-generated")
NEW_BRANCH = Parameter(
    "new_branch",
    "create the working branch",
    _yes_no_or_none,
    choices=NO_YES,
    past_flags={"--no-new-branch": "no"},
    label="on a new branch",
    when_empty="yes, unless a branch is named",
)


@dataclass(frozen=True, slots=True)
class Draft:
    """The values of the form for a new run.

    An empty base branch means the repository's default branch (v1.md §7.2).
    """

    repo_id: str = ""
    repo: str = ""
    prompt: str = ""
    harness: str = HARNESS.default
    base_branch: str = ""
    working_branch: str = ""
    create_branch: bool = True

    @classmethod
    def of(cls, values: Values, repo: str = "") -> Draft:
        """Return the draft for given parameter values.

        `repo` is the name of the repository.
        """
        branch = values[BRANCH] or ""
        create_branch = values[NEW_BRANCH]
        return cls(
            repo_id=values.text(REPO),
            repo=repo,
            prompt=values.text(PROMPT),
            harness=values[HARNESS],
            base_branch=values[BASE] or "",
            working_branch=branch,
            # A branch that is named usually exists already.
            create_branch=not branch if create_branch is None else create_branch,
        )

    def values(self, idempotency_key: str = "") -> Values:
        """Return the draft as parameter values, with the idempotency key."""
        texts: dict[Parameter[object], str] = {
            REPO: self.repo_id,
            PROMPT: self.prompt,
            HARNESS: self.harness,
            BASE: self.base_branch,
            BRANCH: self.working_branch,
            NEW_BRANCH: "yes" if self.create_branch else "no",
        }
        return Values({parameter.name: text for parameter, text in texts.items()}, idempotency_key)

    def as_request(self) -> RunStart:
        """Return the draft as a validated request.

        Raises InvalidInput with a sentence for each field that is not valid.
        """
        from mogplex_tui.api.models.runs import RunStart

        return RunStart(
            repo_id=self.repo_id,
            prompt=self.prompt,
            harness=self.harness,
            base_branch=self.base_branch or None,
            working_branch=self.working_branch or None,
            create_branch=self.create_branch,
        )


# Branches that the service names itself begin with this (v1.md §7.5); a repeated run gets its own.
_AUTO_BRANCH = "mogplex/"


class PrefilledDraft(NamedTuple):
    """A draft made from a record, and a sentence on what the record does not contain."""

    title: str
    draft: Draft
    note: str = ""


def rerun_draft(row: RunRow, repos: Mapping[str, str]) -> PrefilledDraft:
    """Return the draft for a new run with the inputs of an earlier run.

    `repos` has the names of repositories by id. The prompt is known only if the run was started or
    opened on this machine (v1.md §7.5). A working branch that the user had named is used again
    without creating it; a generated branch name is not copied.
    """
    repo_id = row.repo_id or next((id for id, name in repos.items() if name == row.repo), "")
    branch = row.branch if row.branch and row.branch != row.base_branch else ""
    if branch.startswith(_AUTO_BRANCH):
        branch = ""
    draft = Draft(
        repo_id=repo_id,
        repo=row.repo or repos.get(repo_id, ""),
        prompt=row.prompt or "",
        harness=row.harness if row.harness in HARNESSES else HARNESS.default,
        base_branch=row.base_branch or "",
        working_branch=branch,
        create_branch=not branch,
    )
    note = "" if row.prompt else "The service does not return the prompt of this run: type it again."
    return PrefilledDraft(f"Re-run {name_of(row)}", draft, note)


def draft_in(repo_id: str, repo: str) -> PrefilledDraft:
    """Return a draft in which only the repository is filled in."""
    return PrefilledDraft(f"New run in {repo}", Draft(repo_id=repo_id, repo=repo))


async def _start(client: ClientView, values: Values) -> object:
    return await client.runs.start(Draft.of(values).as_request(), idempotency_key=values.idempotency_key)


def _start_problem(values: Values) -> str | None:
    from mogplex_tui.api.errors import InvalidInput

    try:
        Draft.of(values).as_request()
    except InvalidInput as error:
        return str(error)
    return None


def _start_unavailable_reason(session: Session) -> str | None:
    """Return why the session cannot start runs, None if it can.

    Only v1 starts runs, and it takes only tokens.
    """
    if not session.attached:
        return None
    if session.target.token is None:
        return "Starting a run needs a token: mogplex-tui login --token adds one."
    reach_state = session.access.reach(Family.V1)
    return reach_state.reason if reach_state.reach is Reach.NOT_SIGNED_IN else None


START = Creation(
    "start",
    "n",
    "Start a run: repository, prompt, harness, branch",
    (REPO, PROMPT, HARNESS, BASE, BRANCH, NEW_BRANCH),
    name=lambda values: f"in {values.text(REPO)}",
    request=_start,
    in_progress="starting",
    families=(Family.V1,),
    done="{} has started.",
    problem=_start_problem,
    unavailable_reason=_start_unavailable_reason,
    sends_idempotency_key=True,
    title="new run",
)


# Cancel --------------------------------------------------------------------------------------------------------------


def _cancel_unavailable_reason(row: RunRow) -> str | None:
    if row.unreadable:
        return "This row could not be read, so it cannot be cancelled."
    if row.state in ENDED_STATES:
        return f"{name_of(row)} already finished ({row.state})."
    return None


def _cancel_closed_reason(session: Session, row: RunRow) -> str | None:
    from mogplex_tui.operate import messages
    from mogplex_tui.operate.action_registry import NO_WRITE_SCOPE

    if row.source is RunSource.JOB and not session.may_request(Family.OBSERVABILITY):
        return messages.requirement_sentence(Requirement("cancels of an automation's runs"))
    if row.run_id is None and not session.may_request(Family.OBSERVABILITY):
        return "The ID of this run is unknown, and this credential cannot cancel calls."
    if not session.may_change(v1_only=True) and not session_cancels(session, row):
        return NO_WRITE_SCOPE
    return None


def session_cancels(session: Session, row: RunRow) -> bool:
    """Return whether the browser session can cancel the job or call of a row."""
    known = row.source is not RunSource.RUN or row.call_id is not None
    return known and session.has_session and session.may_request(Family.OBSERVABILITY)


async def _cancel(change: Change[RunRow]) -> None:
    from mogplex_tui.operate.run_changes import send_cancel

    await send_cancel(change.session, change.row)


CANCEL: Action[RunRow] = Action(
    "cancel",
    "x",
    "Cancel the run, or all marked runs; asks first",
    _cancel,
    help_has_title=True,
    in_progress="cancelling",
    families=(Family.V1, Family.OBSERVABILITY),
    done="{} is cancelled.",
    unavailable_reason=_cancel_unavailable_reason,
    closed_reason=_cancel_closed_reason,
    warning=cancel_consequence,
    confirmation=Confirmation(("The agents stop; their branches and sandboxes stay.",), "Cancel run"),
    is_bulk=True,
    is_urgent=True,
    needs="cancels of runs",
)


# The job of a run ----------------------------------------------------------------------------------------------------


class JobAction(NamedTuple):
    """An action on the job that a run belongs to.

    `load` returns the action from the kind of jobs; `is_offered` says for which runs the key bar
    shows it. Whether the action is possible depends on the job itself, which is read before it.
    """

    load: Callable[[], Action[JobRow]]
    is_offered: Callable[[RunRow], bool]


def _requeue() -> Action[JobRow]:
    from mogplex_tui.operate.kinds import jobs

    return jobs.REQUEUE


def _repair() -> Action[JobRow]:
    from mogplex_tui.operate.kinds import jobs

    return jobs.REPAIR


# By the ids of the keys. A call is pending only while its job runs, so a repair is not offered for calls.
JOB_ACTIONS: Mapping[str, JobAction] = {
    "runs.requeue": JobAction(_requeue, lambda row: row.state == "failed"),
    "runs.repair": JobAction(_repair, lambda row: row.source is RunSource.JOB and row.state == "pending"),
}


def job_action_closed_reason(action: JobAction, row: RunRow | None, session: Session) -> str | None:
    """Return why the credential cannot act on the job of a run, None if it can."""
    from mogplex_tui.operate import kind_rows
    from mogplex_tui.operate.kinds import jobs

    if row is None:
        return "There is no run under the cursor."
    if row.job_id is None:
        return "This run does not belong to a job."
    return kind_rows.closed_reason(jobs.KIND, action.load(), session)


def offers_job_action(action: JobAction, row: RunRow | None) -> bool:
    """Return whether the key bar and the palette offer an action on the job of a run."""
    return row is not None and row.job_id is not None and action.is_offered(row)
