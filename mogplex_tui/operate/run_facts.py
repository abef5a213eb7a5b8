"""The facts and links of a run, in the groups of runtime-model.md §8."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mogplex_tui.live.failure_class import FailureClass
from mogplex_tui.live.run_row import Cost, RunRow, RunSource, duration_seconds
from mogplex_tui.operate import column_formats as formats
from mogplex_tui.operate import failure_steps, formatting
from mogplex_tui.operate.failure_steps import NextStep
from mogplex_tui.operate.model import Cell, Fact, Link, RenderTime, fact

NEEDS_SESSION = "needs a browser session"

PROVENANCE = {
    Cost.KNOWN: "billed",
    Cost.ESTIMATED: "estimated",
    Cost.UNKNOWN: "unknown",
}


def name_of(row: RunRow) -> str:
    """Return the name of a run for sentences: its repository and a short id."""
    return f"{row.repo or 'run'} {formatting.short_id(row.run_id or row.key)}"


def _known(text: str | None) -> str | None:
    return None if text == formatting.DASH else text


def _repo(row: RunRow) -> str | None:
    return row.repo or _known(formatting.short_id(row.repo_id))


def _sandbox(row: RunRow) -> str | None:
    return row.sandbox_name or _known(formatting.short_id(row.sandbox_id))


def about(row: RunRow) -> str | None:
    """Return what a run is about, on one line.

    It is the run's prompt, or its pull request, issue or check with the step of its automation. A
    run that has none of these is described by the branch that it created, and by None if it created
    no branch.
    """
    if row.prompt:
        return formatting.first_line(row.prompt)
    number = row.pull_number or row.issue_number
    subject = " ".join(filter(None, (f"#{number}" if number else None, row.title or row.check)))
    made_branch = row.branch if row.branch != row.base_branch else None
    return " · ".join(filter(None, (subject, row.step))) or made_branch


def _model(row: RunRow) -> str:
    if row.model and row.harness:
        return f"{formatting.model(row.model)} via {row.harness}"
    return formatting.model(row.model) if row.model else (row.harness or formatting.DASH)


def failure_text(row: RunRow) -> str:
    """Return the class and message of a run's failure, or "" if it did not fail."""
    return failure_steps.describe(row.failure_class, row.cause, row.error)


def failure_class_of(row: RunRow) -> FailureClass | None:
    """Return the class of a run's failure; None if the run did not fail."""
    return failure_steps.class_of(row.failure_class, row.error) if row.state == "failed" else None


def _step(row: RunRow) -> NextStep | None:
    failure = failure_class_of(row)
    return None if failure is None else failure_steps.next_step(failure)


def _next_step(row: RunRow) -> str | None:
    step = _step(row)
    return None if step is None else step.sentence


def _step_link(kind: str) -> Link[RunRow]:
    """Return the link to the list that the next step after a failure begins with."""

    def filter_of(row: RunRow) -> str | None:
        step = _step(row)
        return "" if step is not None and step.kind == kind else None

    return Link("next step", kind, lambda _: kind, filter=filter_of)


_FAILURE: tuple[Fact[RunRow], ...] = (Fact("next step", _next_step, optional=True),)
_PLACE: tuple[Fact[RunRow], ...] = (
    Fact("repo", _repo),
    Fact("branch", lambda row: row.branch),
    fact("base", lambda row: row.base_branch, formats.text("dim")),
    Fact("sandbox", _sandbox),
    Fact("model", lambda row: _known(_model(row))),
    fact("type", lambda row: row.kind, formats.text("dim")),
    Fact("step", lambda row: row.step, optional=True),
    fact("pull req", lambda row: row.pull_request, formats.text("accent"), optional=True),
)


def missing_cost_reason(row: RunRow, calls_open: bool) -> str:
    """Return why a run has no known cost, as a short phrase."""
    if not row.cost_is_read:
        return "not read yet" if calls_open else NEEDS_SESSION
    if row.harness and not row.model:
        # Prices are per model. The service may still bill the run later (observability.md §6).
        return "no price for harness runs"
    if row.tokens:
        return "no price known"
    return "not known yet" if row.live else "not known"


def _before_cancel(row: RunRow) -> str:
    # The service removes the tokens and the cost of a run that is cancelled.
    return ", before the cancel" if row.before_cancel else ""


def _tokens(row: RunRow, _: RenderTime) -> Cell:
    into, out = formatting.count(row.input_tokens), formatting.count(row.output_tokens)
    split = row.input_tokens is not None or row.output_tokens is not None
    return Cell(f"{f'{into} in  {out} out' if split else formatting.count(row.tokens)}{_before_cancel(row)}")


def _spend(*, calls_open: bool) -> tuple[Fact[RunRow], ...]:
    def cost(row: RunRow, _: RenderTime) -> Cell:
        if row.cost is None:
            return Cell(f"{formatting.DASH}  {missing_cost_reason(row, calls_open)}", "dim")
        amount = formatting.money(row.cost, row.cost_source)
        return Cell(f"{amount}  {PROVENANCE[row.cost_source]}{_before_cancel(row)}", "strong")

    return (
        Fact("tokens", lambda row: row.tokens, _tokens),
        fact("cached", lambda row: row.cached_tokens or None, formats.count("dim"), optional=True),
        Fact("cost", lambda row: row.cost, cost),
    )


def _started(row: RunRow, moment: RenderTime) -> Cell:
    return Cell(f"{formatting.age(row.began, moment.now)} ago" if row.began else formatting.DASH)


def _elapsed(row: RunRow, moment: RenderTime) -> Cell:
    return Cell(formatting.seconds(duration_seconds(row, moment.as_of)) if row.live else "")


def _duration(row: RunRow, moment: RenderTime) -> Cell:
    return Cell("" if row.live else formatting.seconds(duration_seconds(row, moment.as_of)))


_STARTED: tuple[Fact[RunRow], ...] = (
    Fact("started", lambda row: row.began, _started),
    fact("started at", lambda row: row.began, formats.LOCAL_TIME),
)
_TIMES: tuple[Fact[RunRow], ...] = (
    *_STARTED,
    Fact("elapsed", lambda _: None, _elapsed, optional=True),
    Fact("duration", lambda _: None, _duration, optional=True),
    fact("ended", lambda row: row.ended_at, formats.LOCAL_TIME, optional=True),
)


def _own_key(row: RunRow) -> str | None:
    """Return the key of a row that has no other id, otherwise None."""
    other_ids = (row.run_id, row.call_id, row.job_id, row.automation_id, row.sandbox_id)
    return None if any(other_ids) else row.key


_ID = formats.text("dim")
_IDS: tuple[Fact[RunRow], ...] = (
    fact("run", lambda row: row.run_id, _ID, optional=True),
    fact("call", lambda row: row.call_id, _ID, optional=True),
    fact("job", lambda row: row.job_id, _ID, optional=True),
    fact("automation", lambda row: row.automation_id, _ID, optional=True),
    fact("sandbox id", lambda row: row.sandbox_id, _ID, optional=True),
    fact("id", _own_key, _ID, optional=True),
)


def facts(*, calls_open: bool, ids: bool = True) -> Sequence[Sequence[Fact[RunRow]]]:
    """Return the groups of facts about a run, with its ids unless `ids` is False.

    `calls_open` tells whether the credential can read calls, which are the only records that
    have the cost of a run.
    """
    groups = (_FAILURE, _PLACE, _spend(calls_open=calls_open), _TIMES)
    return (*groups, _IDS) if ids else groups


UNREADABLE_FACTS: Sequence[Sequence[Fact[RunRow]]] = (_STARTED, _IDS)
"""The facts about a run that could not be read: its start and its ids."""


def _priced_model(row: RunRow) -> str | None:
    return None if (row.model or "").startswith("harness:") else row.model


LINKS: tuple[Link[RunRow], ...] = (
    *(_step_link(kind) for kind in ("provider-keys", "models", "connections")),
    Link(
        "repo", "projects", lambda row: row.repo or formatting.short_id(row.repo_id), lambda row: row.repo_id
    ),
    Link(
        "agent",
        "agents",
        lambda row: (row.who if row.who != row.harness else None) or formatting.short_id(row.agent_id),
        lambda row: row.agent_id,
    ),
    Link("job", "jobs", lambda row: formatting.short_id(row.job_id), lambda row: row.job_id),
    Link(
        "automation",
        "automations",
        lambda row: (
            (row.who if row.source is RunSource.JOB else None) or formatting.short_id(row.automation_id)
        ),
        lambda row: row.automation_id,
    ),
    Link(
        "sandbox",
        "sandboxes",
        lambda row: row.sandbox_name or formatting.short_id(row.sandbox_id),
        lambda row: row.sandbox_id,
    ),
    Link("model", "models", lambda row: formatting.model(_priced_model(row)), _priced_model),
)
"""Links from a run to its repository, agent, job, automation, sandbox and model."""


def web_pages(row: RunRow, preview: str) -> list[tuple[str, str]]:
    """Return the addresses of a run's web pages with their names.

    `preview` is the address of its sandbox's preview, "" if there is none.
    """
    repo = f"https://github.com/{row.repo}" if row.repo else ""
    pages = ((row.pull_request or "", "pull request"), (repo, "repository"), (preview, "sandbox preview"))
    return [(address, f"{name}   {address}") for address, name in pages if address]


def may_have_web_pages(row: RunRow) -> bool:
    """Return whether a run may have web pages.

    Whether its sandbox has a preview is not known here.
    """
    return bool(row.pull_request or row.repo or row.sandbox_id)


def copyable_id(row: RunRow) -> tuple[str, str]:
    """Return the id to copy for a row, and a phrase that names it.

    It is the id of the run, or the key of the row if its run id is not known.
    """
    if row.run_id:
        return row.run_id, f"the id of run {formatting.short_id(row.run_id)}"
    return row.key, f"the id of {row.kind or 'call'} {formatting.short_id(row.key)}"


def brief_lines(row: RunRow, now: datetime) -> list[str]:
    """Return two lines that summarize a run on a narrow screen, in place of facts."""
    left = [row.repo or formatting.short_id(row.repo_id), row.branch or "", _model(row)]
    cost = formatting.money(row.cost, row.cost_source)
    right = [
        formatting.seconds(duration_seconds(row, now)),
        f"{formatting.count(row.tokens)} tokens",
        f"cost {cost}",
        f"run {formatting.short_id(row.run_id)}" if row.run_id else f"id {formatting.short_id(row.key)}",
    ]
    if row.sandbox_name:
        right.append(f"sandbox {row.sandbox_name}")
    return ["  ".join(part for part in left if part), "  ".join(right)]


def summary(row: RunRow, now: datetime) -> str:
    """Return a run's state, duration, tokens, cost and error as a phrase."""
    parts = [row.state]
    duration = duration_seconds(row, now)
    if duration is not None:
        parts.append(f"{'after' if row.ended_at else 'for'} {formatting.seconds(duration)}")
    text = " ".join(parts)
    if row.tokens is not None:
        text += f", {formatting.count(row.tokens)} tokens"
    if row.cost is not None:
        text += f", {formatting.money(row.cost, row.cost_source)}"
    # The caller continues the sentence or adds the full stop.
    return text + (f": {row.error.rstrip('.')}" if row.error else "")


def cancel_consequence(row: RunRow) -> str:
    """Return the sentence in the confirmation that says what remains after a cancel."""
    if row.source is RunSource.JOB:
        return "The job and its agents stop; branches and sandboxes stay."
    return "The agent stops; its branch and sandbox stay."
