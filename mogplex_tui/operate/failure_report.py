"""A report on one failed run or job, in the order of a diagnosis.

It is computed from what was read: the run, its events, its job and the other loaded runs. What
is not loaded is left out, and counts that are not complete are marked as lower bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from mogplex_tui.live.failure_class import FailureClass
from mogplex_tui.live.run_row import RunRow, duration_seconds
from mogplex_tui.operate import event_text, failure_steps, formatting, nested_record_text, run_facts
from mogplex_tui.operate.failure_groups import FailureCount
from mogplex_tui.operate.failure_steps import NextStep

if TYPE_CHECKING:
    from mogplex_tui.api.models.jobs import DispatchEvent
    from mogplex_tui.live.run_event_tail import EventLine
    from mogplex_tui.operate.job_rows import JobRow

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
FEWEST: Final = 8
"""With fewer runs nothing is said about what usually happens."""
_OUTPUT_LINES: Final = 12
"""The lines of output before the first error that a report shows."""
_MOST_FINDINGS: Final = 10


class FailureShare(NamedTuple):
    """How many of an owner's runs failed with the same class in the last day."""

    title: str
    owner: str
    failed: int
    ended: int

    @property
    def is_usual(self) -> bool:
        """Whether most of the owner's runs failed; false for too few runs."""
        return self.ended >= FEWEST and 2 * self.failed > self.ended


@dataclass(frozen=True, slots=True)
class FailureHistory:
    """How often a class of failures was seen lately, and where.

    `shares` are those of the run's own model, automation, agent and repository.
    """

    hour: FailureCount
    day: FailureCount
    shares: tuple[FailureShare, ...]


class Difference(NamedTuple):
    """A value in which a failed run differs from the last one that succeeded."""

    name: str
    failed: str
    succeeded: str


class LastSuccess(NamedTuple):
    """The last successful run that can be compared with a failed one.

    `basis` says what both have in common.
    """

    row: RunRow
    basis: str
    differences: tuple[Difference, ...]


class DispatchStep(NamedTuple):
    """An entry of a job's dispatch log: when it happened, its outcome and its reason."""

    at: datetime | None
    outcome: str
    reason: str

    @property
    def text(self) -> str:
        """The outcome, with its reason if there is one."""
        return f"{self.outcome}: {self.reason}" if self.reason else self.outcome


@dataclass(frozen=True, slots=True)
class FailureReport:
    """What is known about a failure.

    `last_output` are the last lines that a tool printed before `first_error`. `events_missing` says
    which events could not be read, and is empty if all were.
    """

    row: RunRow
    failure: FailureClass
    message: str
    next_step: NextStep
    first_event: EventLine | None
    first_error: EventLine | None
    last_output: tuple[str, ...]
    output_of: str
    history: FailureHistory
    success: LastSuccess | None
    dispatch: tuple[DispatchStep, ...]
    failed_steps: tuple[str, ...]
    findings: tuple[str, ...]
    has_tools: bool
    events_missing: str = ""


def missing_reason(row: RunRow | None) -> str | None:
    """Return why there is no report on a run, None if there is one."""
    return None if row is not None and row.state == "failed" else "This run has not failed."


# Making a report -------------------------------------------------------------------------------------------------


def failure_report(
    row: RunRow,
    lines: Sequence[EventLine],
    rows: Iterable[RunRow],
    job: JobRow | None,
    now: datetime,
    *,
    complete_since: datetime | None = None,
    events_missing: str = "",
) -> FailureReport:
    """Return the report on a failed run.

    `lines` are its events in order, `rows` the loaded runs, and `job` the run's job with its dispatch
    log, if it has one. All runs since `complete_since` are loaded; None if that is not known.
    """
    known = list(rows)
    failure = run_facts.failure_class_of(row) or FailureClass.UNKNOWN
    error = next((line for line in lines if event_text.is_error(line)), None)
    source, output = _last_output(lines, error)
    history = _history(row, failure, known, now, complete_since)
    return FailureReport(
        row,
        failure,
        _message(row, error, job),
        _next_step(failure, history),
        lines[0] if lines else None,
        error,
        output,
        source,
        history,
        last_success(row, known, now),
        tuple(map(_dispatch_step, () if job is None else job.dispatch_events)),
        tuple(_failed_steps(job)),
        tuple(map(nested_record_text.finding, () if job is None else job.findings[:_MOST_FINDINGS])),
        any(line.tool is not None for line in lines),
        events_missing,
    )


def _next_step(failure: FailureClass, history: FailureHistory) -> NextStep:
    """Return the next step after a failure.

    It is another model if most runs of this one fail, otherwise that of the class of failures.
    """
    model = next((share for share in history.shares if share.title == "model"), None)
    if model is not None and model.is_usual and failure in _BLAME_MODEL:
        name = formatting.model(model.owner)
        return NextStep(f"Most runs of {name} fail: choose another model, then run it again.", "models")
    return failure_steps.next_step(failure)


# Classes of failures for which a model may be to blame.
_BLAME_MODEL: Final = frozenset(
    {FailureClass.UNKNOWN, FailureClass.PROVIDER_UNAVAILABLE, FailureClass.TIMEOUT, FailureClass.RATE_LIMITED}
)


def _message(row: RunRow, error: EventLine | None, job: JobRow | None) -> str:
    """Return the most specific message of a failure that any source has."""
    told = None if error is None else error.trouble or _text_of(error)
    candidates = (row.cause, None if job is None else job.cause, told, row.error)
    known = [text for text in candidates if text]
    # The service often replaces a message by a general sentence (observability.md §9).
    specific = (text for text in known if formatting.cause(text) not in formatting.CAUSES.values())
    return next(specific, known[0] if known else "The service gives no reason.")


def _text_of(error: EventLine) -> str | None:
    payload_error = error.payload().get("error")
    if isinstance(payload_error, str) and payload_error:
        return payload_error
    return error.message or None


def _last_output(lines: Sequence[EventLine], error: EventLine | None) -> tuple[str, tuple[str, ...]]:
    """Return the last event with output up to an error: its title and last lines."""
    last = lines.index(error) if error is not None else len(lines) - 1
    for line in reversed(lines[: last + 1]):
        if line.tool is None and "logs" not in line.payload():
            continue
        text = event_text.event_text(line, has_ended=True)
        shown = [each for each in text.sections if each.title in ("Output", "Error output", "Result", "Log")]
        output = [output_line for section in shown for output_line in section.lines]
        if output:
            return f"{text.title} {line.preview}".strip(), tuple(output[-_OUTPUT_LINES:])
    return "", ()


# Each says what two runs have in common: a title and the value that must be equal.
_OWNERS: Final[tuple[tuple[str, Callable[[RunRow], str | None]], ...]] = (
    ("model", lambda row: row.model),
    ("automation", lambda row: row.automation),
    ("agent", lambda row: row.who),
    ("repo", lambda row: row.repo),
)


def _history(
    row: RunRow, failure: FailureClass, rows: Iterable[RunRow], now: datetime, complete_since: datetime | None
) -> FailureHistory:
    ended = [each for each in rows if each.began is not None and each.began >= now - DAY and not each.live]
    same = [each for each in ended if run_facts.failure_class_of(each) is failure]

    def count(span: timedelta) -> FailureCount:
        number = sum(each.began is not None and each.began >= now - span for each in same)
        return FailureCount(number, complete_since is not None and complete_since <= now - span)

    shares = []
    for title, owner_of in _OWNERS:
        owner = owner_of(row)
        if owner:
            failed = sum(owner_of(each) == owner for each in same)
            shares.append(FailureShare(title, owner, failed, sum(owner_of(each) == owner for each in ended)))
    return FailureHistory(count(HOUR), count(DAY), tuple(shares))


def last_success(row: RunRow, rows: Iterable[RunRow], now: datetime) -> LastSuccess | None:
    """Return the last success before a run that has the most in common with it.

    A run of the same step of the same automation is preferred, then one of the same agent in the same
    repository.
    """
    until = row.began or now
    successes = sorted(
        (each for each in rows if each.state == "success" and each.began is not None and each.began < until),
        key=lambda each: each.began or until,
        reverse=True,
    )
    for basis, is_same in _BASES:
        found = next((each for each in successes if is_same(each, row)), None)
        if found is not None:
            return LastSuccess(found, basis, tuple(_differences(row, found, now)))
    return None


_BASES: Final[tuple[tuple[str, Callable[[RunRow, RunRow], bool]], ...]] = (
    (
        "of the same automation and step",
        lambda one, other: bool(one.flow_id) and (one.flow_id, one.step) == (other.flow_id, other.step),
    ),
    ("of the same automation", lambda one, other: bool(one.flow_id) and one.flow_id == other.flow_id),
    (
        "of the same agent in the same repository",
        lambda one, other: bool(one.who and one.repo) and (one.who, one.repo) == (other.who, other.repo),
    ),
)


def _differences(row: RunRow, success: RunRow, now: datetime) -> Iterator[Difference]:
    values: tuple[tuple[str, Callable[[RunRow], str | None]], ...] = (
        ("model", lambda each: formatting.model(each.model) if each.model else None),
        ("coding CLI", lambda each: each.harness),
        ("agent", lambda each: each.who),
        ("repo", lambda each: each.repo),
        ("base branch", lambda each: each.base_branch),
        ("step", lambda each: each.step),
        ("sandbox", lambda each: each.sandbox_name),
        ("about", run_facts.about),
    )
    for name, value_of in values:
        failed, succeeded = value_of(row), value_of(success)
        if failed != succeeded and (failed or succeeded):
            yield Difference(name, failed or formatting.DASH, succeeded or formatting.DASH)
    took, took_before = duration_seconds(row, now), duration_seconds(success, now)
    if took is not None and took_before is not None:
        yield Difference("duration", formatting.seconds(took), formatting.seconds(took_before))
    if row.tokens is not None and success.tokens is not None:
        yield Difference("tokens", formatting.count(row.tokens), formatting.count(success.tokens))


def _dispatch_step(event: DispatchEvent) -> DispatchStep:
    reason = formatting.reason(event.reason, event.metadata)
    return DispatchStep(event.created_at, formatting.state(event.outcome)[1], formatting.first_line(reason))


def _failed_steps(job: JobRow | None) -> Iterator[str]:
    """Yield the name and the error of each step of the job that failed."""
    for step in () if job is None else job.steps:
        if step.status == "failed" or step.error:
            yield f"{step.node_label or step.node_id}: {step.error or 'failed without a message'}"


# Showing a report ------------------------------------------------------------------------------------------------


class ReportLine(NamedTuple):
    """A line of a report and its tone."""

    text: str
    tone: str = "plain"


class ReportSection(NamedTuple):
    """A titled part of a report."""

    title: str
    lines: tuple[ReportLine, ...]


def sections(report: FailureReport) -> list[ReportSection]:
    """Return the parts of a report that have content, in the order of a diagnosis."""
    parts = (
        ("What failed", _what_failed(report)),
        ("Next step", [ReportLine(report.next_step.sentence, "strong")]),
        ("First error", _first_error(report)),
        (f"Last output before it: {report.output_of}", map(ReportLine, report.last_output)),
        ("Seen lately", _seen(report.history, report.failure)),
        ("Since the last success", _since_success(report.success)),
        ("Dispatch", _dispatch(report.dispatch)),
        ("Failed steps", (ReportLine(step, "error") for step in report.failed_steps)),
        ("Findings", (ReportLine(line) for text in report.findings for line in text.splitlines())),
    )
    filled = (ReportSection(title, tuple(lines)) for title, lines in parts)
    return [section for section in filled if section.lines]


def _what_failed(report: FailureReport) -> Iterator[ReportLine]:
    row = report.row
    label = failure_steps.label(report.failure)
    first, *rest = report.message.splitlines() or [""]
    yield ReportLine(f"{label[:1].upper()}{label[1:]}: {first}", "error")
    yield from (ReportLine(line, "error") for line in rest)
    if row.error and formatting.cause(row.error) != formatting.cause(report.message):
        yield ReportLine(f"The service says: {row.error}", "dim")
    about = run_facts.about(row)
    if about:
        yield ReportLine(about)
    place = (row.repo, row.automation or row.who, formatting.model(row.model) if row.model else row.harness)
    yield ReportLine("  ".join(part for part in place if part), "dim")


def _first_error(report: FailureReport) -> Iterator[ReportLine]:
    if report.first_event is not None and report.first_error is not None:
        gap = (report.first_error.at - report.first_event.at).total_seconds()
        error = report.first_error
        name = " ".join(part for part in (error.tool or error.type, error.preview) if part)
        at = formatting.local_time(error.at)
        yield ReportLine(f"{at}  {name}, {formatting.seconds(gap)} after the first event", "error")
    elif report.first_event is None:
        yield ReportLine("No events were read.", "dim")
    if report.first_event is not None and not report.has_tools:
        yield ReportLine("The service reports milestones of this run only: no tools and no text.", "dim")
    if report.events_missing:
        yield ReportLine(report.events_missing, "warn")


def _number(count: FailureCount) -> str:
    return f"{count.number:,}" if count.is_whole else f"at least {count.number:,}"


def _seen(history: FailureHistory, failure: FailureClass) -> Iterator[ReportLine]:
    name = failure_steps.label(failure)
    yield ReportLine(f"{name}: {_number(history.hour)} in 1 h, {_number(history.day)} in 24 h")
    for share in history.shares:
        line = f"{share.title} {share.owner}: {share.failed:,} of {formatting.plural(share.ended, 'run')}"
        yield ReportLine(f"{line} in 24 h", "warn" if share.is_usual else "plain")


def _since_success(success: LastSuccess | None) -> Iterator[ReportLine]:
    if success is None:
        yield ReportLine("No comparable run succeeded among the loaded runs.", "dim")
        return
    row = success.row
    name, at = formatting.short_id(row.run_id or row.key), formatting.local_time(row.began)
    yield ReportLine(f"Run {name} {success.basis} succeeded at {at}.")
    across = max((len(each.name) for each in success.differences), default=0)
    for each in success.differences:
        yield ReportLine(f"{each.name:<{across}}  {each.failed}  (then {each.succeeded})")


def _dispatch(steps: Sequence[DispatchStep]) -> Iterator[ReportLine]:
    """Yield the dispatch log as one line, and each entry with its time."""
    if not steps:
        return
    yield ReportLine(" → ".join(step.text for step in steps))
    for step in steps:
        yield ReportLine(f"{formatting.local_time(step.at)}  {step.text}", "dim")


def as_text(report: FailureReport) -> str:
    """Return the report as plain text without secrets, to be copied or saved."""
    from mogplex_tui.live import redact

    heading = f"Run {run_facts.name_of(report.row)} failed"
    blocks = [[heading]]
    blocks += [[title.upper(), *(line.text for line in lines)] for title, lines in sections(report)]
    return redact.text("\n\n".join("\n".join(lines) for lines in blocks) + "\n")


def as_json(report: FailureReport) -> dict[str, object]:
    """Return the report as a JSON object without secrets."""
    from mogplex_tui.live import redact

    history, success = report.history, report.success
    shares = [share._asdict() for share in history.shares]
    value = {
        "run": report.row.run_id or report.row.key,
        "job": report.row.job_id,
        "failure_class": report.failure.value,
        "message": report.message,
        "next_step": report.next_step.sentence,
        "first_error": None if report.first_error is None else report.first_error.as_json(),
        "last_output": list(report.last_output),
        "seen": {
            "hour": history.hour.number,
            "day": history.day.number,
            "is_complete": history.day.is_whole,
            "shares": shares,
        },
        "last_success": None
        if success is None
        else {
            "run": success.row.run_id or success.row.key,
            "basis": success.basis,
            "differences": [difference._asdict() for difference in success.differences],
        },
        "dispatch": [
            {
                "at": None if step.at is None else formatting.utc(step.at),
                "outcome": step.outcome,
                "reason": step.reason,
            }
            for step in report.dispatch
        ],
        "failed_steps": list(report.failed_steps),
        "findings": list(report.findings),
    }
    redacted = redact.payload(value)
    return redacted if isinstance(redacted, dict) else value
