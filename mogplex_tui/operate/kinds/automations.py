"""Automations: state, version, recent runs and failures (routing.md §3, v1.md §5)."""

from __future__ import annotations

from mogplex_tui.api.route_access import Family
from mogplex_tui.live.reasons import Requirement
from mogplex_tui.operate import automation_actions as requests
from mogplex_tui.operate import column_formats as formats
from mogplex_tui.operate import nested_record_text, recent_run_facts, toggle_delete_actions
from mogplex_tui.operate.automation_rows import (
    TOKEN_NOTICE,
    AutomationRow,
    merge,
    read,
    read_single,
    read_v1,
)
from mogplex_tui.operate.column_formats import sort_key
from mogplex_tui.operate.filters import quoted
from mogplex_tui.operate.model import (
    Action,
    Confirmation,
    Creation,
    Fact,
    Join,
    Kind,
    Layout,
    Link,
    Related,
    Single,
    Source,
    TextBlock,
    column,
    fact,
)

_SWITCHING = "pausing and activating automations"


def _unpublished_reason(row: AutomationRow) -> str | None:
    return None if row.published_version_id else "It was never published: publish it first."


def _paused_reason(row: AutomationRow) -> str | None:
    return None if row.status == "active" else "It is paused: activate it first."


def _is_already(row: AutomationRow) -> str:
    return f"It is {row.status or 'unknown'} already."


def _unpublishable_reason(row: AutomationRow) -> str | None:
    # v1 does not say in its list whether there is a draft.
    is_same = row.is_flow and not row.draft
    return "The draft is the same as the published version." if is_same else None


def _dispatch_filter(row: AutomationRow) -> str:
    return f"flowid:{quoted(row.id[:8])}"


KIND = Kind[AutomationRow](
    name="automations",
    title="Automations",
    noun="automation",
    aliases=("automation", "auto", "flows", "flow", "au"),
    contract="routing.md §3, v1.md §5",
    sources=(
        Source(
            Family.FLOWS,
            read,
            poll=60,
            poll_without_realtime=20,
            tables=frozenset({"job_runs"}),
            tables_are_complete=False,
        ),
        Source(
            Family.V1,
            read_v1,
            poll=90,
            poll_without_realtime=45,
            notice=TOKEN_NOTICE,
            hides=frozenset(
                {
                    *("source", "version", "draft", "last_run_status", "running"),
                    *("waiting", "failed", "skipped", "error"),
                }
            ),
        ),
    ),
    single=Single(read_single, merge),
    # The repositories that it can be started for.
    join=Join(lambda _: lambda row: row, related={"projects": Related()}),
    columns=(
        column("status", "STATE", lambda row: row.status, formats.state(), Layout(13), is_text=True),
        column(
            "name",
            "AUTOMATION",
            lambda row: row.name,
            formats.text(),
            Layout(24, flex=2, min_width=20),
            is_text=True,
        ),
        column(
            "source",
            "SOURCE",
            lambda row: row.source_kind,
            formats.text("dim"),
            Layout(9, 3),
            field="source_kind",
            is_text=True,
        ),
        column("version", "VERSION", lambda row: row.version, formats.count(), Layout(7, 2)),
        column("draft", "DRAFT", lambda row: row.draft, formats.text("warn"), Layout(11, 3), is_text=True),
        column(
            "last_run_status",
            "LAST",
            lambda row: row.activity.last_run_status,
            formats.state(is_own=False),
            Layout(11),
            is_text=True,
        ),
        column("age", "AGE", lambda row: row.latest, formats.AGE, Layout(4), field="last_run_started_at"),
        column(
            "running",
            "RUN",
            lambda row: row.activity.running_count,
            formats.count(),
            Layout(4, 2),
            field="running_count",
        ),
        column(
            "waiting",
            "WAIT",
            lambda row: row.activity.pending_count,
            formats.count(),
            Layout(4, 2),
            field="pending_count",
        ),
        column(
            "failed",
            "FAIL",
            lambda row: row.activity.failed_24h,
            formats.count("error"),
            Layout(4, 1),
            field="failed_24h",
        ),
        column(
            "skipped",
            "SKIPPED",
            lambda row: row.activity.suppressed_24h,
            formats.count("warn"),
            Layout(7, 4),
            field="suppressed_24h",
        ),
        formats.error_column(lambda row: row.activity.last_run_error, "last_run_error", min_width=16),
    ),
    hidden_filters={
        "description": lambda row: row.description,
        "suppressed": lambda row: row.activity.suppressed_24h,
    },
    label=lambda row: row.name or row.id,
    default_sort=lambda row: (sort_key(row.latest),),
    descending=True,
    facts=(
        (
            fact("status", lambda row: row.status, formats.state()),
            Fact("source", lambda row: row.source_kind, optional=True),
            Fact("description", lambda row: row.description, optional=True),
        ),
        (
            Fact("version", lambda row: row.version, optional=True),
            Fact("draft", lambda row: row.draft, optional=True),
            Fact("webhook secret", lambda row: row.webhook_configured, optional=True),
            Fact(
                "installation",
                lambda row: None if row.installation_id is None else str(row.installation_id),
            ),
            Fact("notes", lambda row: row.notes, optional=True),
        ),
        *recent_run_facts.activity(AutomationRow, lambda row: row.activity),
        (Fact("created", lambda row: row.created_at), Fact("updated", lambda row: row.updated_at)),
    ),
    links=(
        Link("jobs", "jobs", lambda _: "all jobs", filter=lambda row: f"parent:{quoted(row.id[:8])}"),
        Link(
            "last job",
            "jobs",
            lambda row: (row.activity.last_job_run_id or "")[:8],
            key=lambda row: row.activity.last_job_run_id,
        ),
        Link("approvals", "approvals", lambda _: "pending approvals", filter=_dispatch_filter),
        Link("dispatch log", "dispatch", lambda _: "all entries", filter=_dispatch_filter),
    ),
    texts=(
        TextBlock(
            "Latest runs",
            lines=lambda row, now: [nested_record_text.automation_run(run, now) for run in row.runs],
        ),
    ),
    creations=(
        Creation(
            "create",
            "",
            "Create an automation from a template; edit its steps in the browser",
            parameters=(requests.NAME, requests.FOR_REPO, requests.TEMPLATE),
            name=lambda values: values[requests.NAME],
            request=requests.create,
            in_progress="creating",
            families=(Family.FLOWS,),
            help_has_title=True,
        ),
    ),
    actions=(
        Action(
            "trigger",
            "n",
            "Run the automation once in a repository",
            requests.trigger,
            in_progress="starting",
            families=(Family.V1, Family.FLOWS),
            parameters=(requests.REPO, requests.INPUT),
            unavailable_reason=_paused_reason,
            sends_idempotency_key=True,
        ),
        Action(
            "activate",
            "e",
            "Let the automation start new jobs",
            lambda change: change.client.flows.set_active(change.key, True),
            in_progress="activating",
            done="{} is active.",
            families=(Family.FLOWS,),
            needs=_SWITCHING,
            unavailable_reason=lambda row: (
                _unpublished_reason(row) or (_is_already(row) if row.status == "active" else None)
            ),
            is_bulk=True,
            aliases=("resume",),
        ),
        Action(
            "pause",
            "d",
            "Stop starting new jobs",
            lambda change: change.client.flows.set_active(change.key, False),
            in_progress="pausing",
            done="{} is paused.",
            families=(Family.FLOWS,),
            needs=_SWITCHING,
            unavailable_reason=lambda row: (
                _unpublished_reason(row) or (None if row.status == "active" else _is_already(row))
            ),
            confirmation=Confirmation(
                ["Running jobs continue; no new ones start until it is activated."],
                "Pause",
                is_asked_in_command=False,
            ),
            is_bulk=True,
        ),
        Action(
            "publish",
            "P",
            "Publish the draft as the active version",
            requests.publish,
            in_progress="publishing",
            help_has_title=True,
            done="{} is published.",
            families=(Family.V1, Family.FLOWS),
            unavailable_reason=_unpublishable_reason,
            confirmation=Confirmation(
                ["The draft becomes the active version, and a paused automation becomes active."],
                "Publish",
            ),
        ),
        Action(
            "test",
            "",
            "Run the automation once with a test event",
            requests.test,
            in_progress="testing",
            unavailable_reason=lambda row: _unpublished_reason(row) or _paused_reason(row),
            families=(Family.FLOWS,),
            parameters=(requests.INPUT,),
        ),
        Action(
            "duplicate",
            "",
            "Copy the draft to a new, inactive automation",
            requests.duplicate,
            in_progress="copying",
            families=(Family.FLOWS,),
        ),
        Action(
            "webhook-secret",
            "",
            "Create or replace the secret that signs deliveries; it is shown once",
            requests.make_webhook_secret,
            in_progress="creating secret",
            families=(Family.FLOWS,),
            confirmation=Confirmation(["The old secret stops working immediately."], "Create secret"),
            title="webhook secret",
            reveals=True,
        ),
        toggle_delete_actions.delete(
            lambda change: change.client.flows.delete(change.key),
            "Its runs can no longer be seen.",
            Family.FLOWS,
        ),
    ),
    created_at=lambda row: row.created_at,
    empty="No automations. Create automations in the browser, under Automations.",
    needs=Requirement("automations"),
)
