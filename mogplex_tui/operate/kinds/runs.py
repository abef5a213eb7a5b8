"""The declaration of runs and calls (v1.md §7, observability.md §2).

Its rows are read by `live.runs`, because they are combined from several lists.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from mogplex_tui.api.request_checks import is_uuid
from mogplex_tui.live.failure_class import FailureClass
from mogplex_tui.live.run_row import RunRow, RunSource, duration_seconds, pull_request_name
from mogplex_tui.operate import column_formats as formats
from mogplex_tui.operate import failure_steps, formatting, run_actions, run_facts
from mogplex_tui.operate.failure_groups import FailureGroupings, Grouping
from mogplex_tui.operate.model import Cell, FilterValue, Kind, Layout, RenderTime, SortKey, column
from mogplex_tui.operate.older_runs import OLDER_RUNS
from mogplex_tui.operate.run_export_fields import FIELDS
from mogplex_tui.operate.run_facts import name_of


def _state(row: RunRow) -> FilterValue:
    """Return the words that match the state of a run in a filter.

    They are the shown word, the service's word, and `live` for a live run. `running` and
    `streaming` match the same runs, because a call streams while its run is running.
    """
    moves = ("running", "streaming") if row.state in ("running", "streaming") else ()
    return (formatting.state(row.state)[1], row.state, *moves, *(("live",) if row.live else ()))


def _repo(row: RunRow, _: RenderTime) -> Cell:
    return Cell(row.repo or formatting.short_id(row.repo_id))


def _agent_cell(row: RunRow, _: RenderTime) -> Cell:
    return Cell(row.who, "plain") if row.who else Cell(formatting.DASH, "dim")


def _cost(row: RunRow, _: RenderTime) -> Cell:
    return Cell(formatting.money(row.cost, row.cost_source))


def _error(row: RunRow, _: RenderTime) -> Cell:
    text = failure_steps.brief(row.failure_class, row.cause, row.error)
    return Cell(text, "error" if row.state in ("failed", "unreadable") else "dim")


def _cause(row: RunRow) -> FilterValue:
    texts = (failure_steps.brief(row.failure_class, row.cause, row.error), row.error, row.failure_class)
    return tuple(filter(None, texts)) or None


def _automation(row: RunRow) -> FilterValue:
    """Return the name and the id of a run's automation."""
    name = row.automation or (row.who if row.source is RunSource.JOB else None)
    return tuple(filter(None, (name, row.flow_id, row.automation_id))) or None


def _automation_name(row: RunRow) -> str | None:
    """Return the name of a run's automation, its id if the name is not known."""
    return (
        row.automation
        or (row.who if row.source is RunSource.JOB else None)
        or row.flow_id
        or row.automation_id
    )


def _automation_label(name: str) -> str:
    return formatting.short_id(name) if is_uuid(name) else name


def _class_label(name: str) -> str:
    return failure_steps.label(FailureClass(name))


def _final_seconds(row: RunRow) -> float | None:
    return None if row.duration_ms is None else row.duration_ms / 1000


def _sort_key(row: RunRow) -> tuple[SortKey, ...]:
    """Return a key for sorting in descending order: live runs first, then the newest."""
    began: datetime | None = row.began
    return ((1 if row.live else 0, float("-inf") if began is None else began.timestamp()),)


KIND = Kind[RunRow](
    name="runs",
    title="Runs",
    noun="run",
    aliases=(),
    contract="v1.md §7, observability.md §2",
    sources=(),
    columns=(
        column("state", "STATE", lambda row: row.state, formats.state(), Layout(12), filter_value=_state),
        column("about", "ABOUT", run_facts.about, formats.text(), Layout(28, flex=2, min_width=16)),
        column(
            "repo",
            "REPO",
            lambda row: row.repo,
            formats.text(),
            Layout(18, min_width=12, cut="middle"),
            show=_repo,
            filter_value=lambda row: row.repo,
        ),
        column(
            "agent",
            "AGENT",
            lambda row: row.who,
            formats.text(),
            Layout(16, 2, min_width=11),
            show=_agent_cell,
            filter_value=lambda row: row.who,
        ),
        column(
            "model",
            "MODEL",
            lambda row: row.model,
            formats.MODEL,
            Layout(17, 3, flex=1, min_width=15, cut="middle"),
        ),
        column(
            "branch",
            "BRANCH",
            lambda row: row.branch,
            formats.text(),
            Layout(20, 5, flex=1, min_width=12, cut="middle"),
            filter_value=lambda row: row.branch,
        ),
        column("age", "AGE", lambda row: row.began, formats.AGE, Layout(3), field="started_at"),
        formats.time_column(
            "time",
            "TIME",
            duration_seconds,
            formats.SECONDS,
            Layout(6, 1),
            final=_final_seconds,
            field="duration_seconds",
        ),
        column("tokens", "TOKENS", lambda row: row.tokens, formats.count(), Layout(6, 4)),
        column(
            "cost",
            "COST",
            lambda row: row.cost,
            formats.MONEY,
            Layout(8),
            field="cost_usd",
            show=_cost,
        ),
        replace(
            column(
                "error",
                "",
                lambda row: row.cause or row.error,
                formats.ERROR,
                Layout(40, flex=3, min_width=18),
                show=_error,
                filter_value=_cause,
            ),
            is_error=True,
        ),
    ),
    hidden_filters={
        "who": lambda row: row.who,
        "class": run_facts.failure_class_of,
        "step": lambda row: row.step,
        "automation": _automation,
        "started": lambda row: row.began,
        "sandbox": lambda row: tuple(filter(None, (row.sandbox_id, row.sandbox_name))),
        "type": lambda row: row.kind,
        "harness": lambda row: row.harness,
        "prompt": lambda row: row.prompt,
        "pull": pull_request_name,
        "id": lambda row: tuple(filter(None, (row.key, row.run_id, row.call_id, row.job_id))),
        # Sub-projects share the name of their repository, so only the id distinguishes them (projects.md §1).
        "project": lambda row: row.repo_id,
    },
    label=name_of,
    # Live runs first, then the newest.
    default_sort=_sort_key,
    descending=True,
    facts=run_facts.facts(calls_open=True),
    links=run_facts.LINKS,
    creations=(run_actions.START,),
    actions=(run_actions.CANCEL,),
    older=OLDER_RUNS,
    failed_filter="state:failed",
    failure_groupings=FailureGroupings(
        lambda row: row.began if row.state == "failed" else None,
        (
            Grouping("class", "class", run_facts.failure_class_of, _class_label),
            Grouping("model", "model", lambda row: row.model, formatting.model),
            Grouping("automation", "automation", _automation_name, _automation_label),
        ),
    ),
    live_filter="state:live",
    fields=FIELDS,
    is_quiet=lambda row: row.state in ("success", "cancelled"),
    empty="No runs yet.",
    needs=None,
)
