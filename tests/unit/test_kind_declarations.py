"""Declarations of kinds: facts, links, texts, and enable and disable actions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from mogplex_tui.api.models.base import BadRow, Rows
from mogplex_tui.api.models.jobs import Job
from mogplex_tui.api.route_access import Family
from mogplex_tui.live import run_row as make
from mogplex_tui.live.collection import Entry
from mogplex_tui.live.session import Session
from mogplex_tui.live.sorted_view import SortedView
from mogplex_tui.operate import column_formats as formats
from mogplex_tui.operate import kind_rows
from mogplex_tui.operate.filters import compile_filter
from mogplex_tui.operate.formatting import DASH
from mogplex_tui.operate.job_rows import JobRow
from mogplex_tui.operate.kind_rows import FilterFields
from mogplex_tui.operate.kinds.mcp_servers import McpServerRow
from mogplex_tui.operate.kinds.models import ModelRow
from mogplex_tui.operate.kinds.registry import kinds
from mogplex_tui.operate.kinds.runs import KIND as RUNS
from mogplex_tui.operate.kinds.sandboxes import SandboxRow
from mogplex_tui.operate.kinds.settings import SettingRow
from mogplex_tui.operate.kinds.teams import TeamRow
from mogplex_tui.operate.model import Change, Column, Fact, Link, RenderTime, TextBlock, Value, column, fact
from mogplex_tui.operate.record_page import facts_of, links_of, texts_of
from mogplex_tui.operate.toggle_delete_actions import enable_and_disable
from mogplex_tui.screens.table_models import RowTableModel
from mogplex_tui.widgets.styles import Tone
from tests.unit.fakes import call

NOW = datetime(2026, 8, 5, 10, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Thing:
    """A record with values of every sort."""

    name: str = "Nightly"
    enabled: bool = True
    made: datetime = NOW - timedelta(hours=3)
    ends: datetime = NOW + timedelta(days=2)
    tokens: int = 48213
    cost: Decimal = Decimal("0.42")
    tags: tuple[str, ...] = ("a", "b")
    none: tuple[str, ...] = ()
    zero: int = 0
    error: str | None = "git push https://x-access-token:s3cr3t@github.com/acme/web failed"
    gone: str | None = None


def test_facts_are_formatted_by_type() -> None:
    values: dict[str, Callable[[Thing], Value]] = {
        "on": lambda row: row.enabled,
        "made": lambda row: row.made,
        "ends": lambda row: row.ends,
        "spent": lambda row: row.tokens,
        "cost": lambda row: row.cost,
        "tags": lambda row: row.tags,
        "none": lambda row: row.none,
        "zero": lambda row: row.zero,
        "gone": lambda row: row.gone,
    }
    declared = [Fact(label, value) for label, value in values.items()]
    (shown,) = facts_of(
        [[*declared, Fact("never", lambda row: row.gone, optional=True)]], Thing(), RenderTime(NOW)
    )
    texts = {label: text for label, text, _ in shown}
    assert texts.pop("made").startswith("3h ago, ")
    assert texts.pop("ends").startswith("in 2d, ")
    assert texts == {
        "on": "yes",
        "spent": "48,213",
        "cost": "$0.42",
        "tags": "a, b",
        "none": DASH,
        "zero": "0",
        "gone": DASH,
    }
    assert {tone for label, _, tone in shown if label in ("none", "gone", "zero")} == {"dim"}
    assert facts_of([declared], None, RenderTime(NOW)) == []


def test_links_without_a_target_are_left_out() -> None:
    links: tuple[Link[Thing], ...] = (
        Link("from", "automations", lambda row: row.name, key=lambda row: row.gone or "f" * 36),
        Link("retry of", "jobs", lambda _: "it", key=lambda row: row.gone),
        Link("runs", "runs", lambda _: "its runs", filter=lambda row: f"repo:{row.name}"),
        Link("models", "models", lambda _: "all", filter=lambda _: ""),
        Link("none", "models", lambda _: "none", filter=lambda row: row.gone),
    )
    assert [
        (link.label, link.text, link.kind, link.key, link.filter) for link in links_of(links, Thing())
    ] == [
        ("from", "Nightly", "automations", "f" * 36, ""),
        ("runs", "its runs", "runs", None, "repo:Nightly"),
        ("models", "all", "models", None, ""),
    ]
    assert links_of(links, None) == []


def test_only_disable_asks_for_confirmation() -> None:
    async def switch(_: Change[Thing], __: bool) -> None: ...

    enable, disable = enable_and_disable(
        Thing,
        switch,
        lambda row: row.enabled,
        Family.SKILLS,
        enable_help="Let it be used.",
        disable_help="Keep it from being used.",
        disable_consequence="Nothing new is started.",
    )
    on, off = Thing(enabled=True), Thing(enabled=False)
    assert [enable.unavailable_reason(on), enable.unavailable_reason(off)] == ["It is already enabled.", None]
    assert [disable.unavailable_reason(on), disable.unavailable_reason(off)] == [
        None,
        "It is already disabled.",
    ]
    assert enable.confirmation is None
    assert disable.confirmation is not None
    assert list(disable.confirmation.consequences) == ["Nothing new is started."]


def test_runs_link_of_a_model_matches_its_whole_name() -> None:
    row = ModelRow(
        id="openai/gpt-5",
        name="GPT-5",
        provider="openai",
        is_usable=True,
        is_available=True,
        capabilities=(),
        is_enabled=None,
        is_default=None,
        context_length=None,
        input_price=None,
        output_price=None,
    )
    (runs,) = links_of(kinds()["models"].links, row)
    assert (runs.kind, runs.key) == ("runs", None)
    fits = compile_filter(runs.filter, kind_rows.FilterFields(RUNS, NOW).values_of)
    assert fits is not None
    expected = {
        model: fits(make.from_call(call(1, model=model))) for model in ("openai/gpt-5", "openai/gpt-5-mini")
    }
    assert expected == {"openai/gpt-5": True, "openai/gpt-5-mini": False}


def test_successful_rows_are_dim() -> None:
    jobs = kinds()["jobs"]
    found = [Job(id=state, status=state, source_type="push") for state in ("running", "success", "failed")]
    rows = {job.id: Entry(job.id, JobRow(job.id, job, None)) for job in found}
    view = SortedView(rows, kind_rows.sort_key_of(jobs, None, lambda _: NOW))
    source = RowTableModel(jobs, rows, view, NOW)
    at = [column.name for column in jobs.columns].index("trigger")
    assert {state: source.cells(state)[at] for state in rows} == {
        "running": ("push", Tone.PLAIN),
        "success": ("push", Tone.DIM),
        "failed": ("push", Tone.PLAIN),
    }


def sandbox(*, error: str | None, stop_reason: str | None) -> Entry[SandboxRow]:
    """Return the row of a stopped sandbox."""
    row = SandboxRow(
        id="k1",
        status="stopped",
        health=None,
        error=error,
        stop_reason=stop_reason,
        repo_id="r1",
        machine="vm",
        base_branch="main",
        working_branch="main",
        last_active_at=None,
        root_directory=None,
        preview_url=None,
        runtime=None,
        paid_by=None,
        created_at=None,
    )
    return Entry("k1", row)


def test_sandbox_shows_its_error_or_stop_reason() -> None:
    why, context = kinds()["sandboxes"].column("error"), RenderTime(NOW)
    expected = [
        (sandbox(error="clone failed", stop_reason="manual"), ("clone failed", "error")),
        (sandbox(error=None, stop_reason="vm_gone"), ("the machine no longer exists", "dim")),
        (sandbox(error=None, stop_reason="from_the_future"), ("from the future", "dim")),
        (sandbox(error=None, stop_reason=None), (DASH, "dim")),
    ]
    assert [why.cell(row.row, context) for row, _ in expected] == [cell for _, cell in expected]
    fits = compile_filter("why:vm_gone", FilterFields(kinds()["sandboxes"], NOW).values_of)
    assert fits is not None
    assert [fits(row) for row, _ in expected] == [False, True, False, False]


def test_readiness_gap_shows_its_fix() -> None:
    settings, context = kinds()["settings"], RenderTime(NOW)
    gap, ready = (
        SettingRow("github", "readiness", "GitHub", value, fix is None, fix)
        for value, fix in (("OAuth only", "Install it"), ("Ready", None))
    )
    assert settings.column("ready").cell(gap, context) == ("▲ gap", "warn")
    assert settings.column("value").cell(gap, context)[0] == "OAuth only · Install it"
    assert [fact[0] for fact in facts_of(settings.facts, gap, context)[0]] == [
        "name",
        "value",
        "ready",
        "fix",
    ]
    assert [fact[0] for fact in facts_of(settings.facts, ready, context)[0]] == ["name", "value", "ready"]


def test_credentials_in_errors_and_texts_are_redacted() -> None:
    thing, moment = Thing(), RenderTime(NOW)
    errors: Column[Thing] = column("error", "ERROR", lambda row: row.error, formats.ERROR)
    texts: Column[Thing] = column("text", "TEXT", lambda row: row.error, formats.text("error"))
    (group,) = facts_of([[fact("error", lambda row: row.error, formats.ERROR)]], thing, moment)
    kind = replace(kinds()["skills"], texts=(TextBlock("Message", lambda row: row.error),))
    shown = [
        errors.cell(thing, moment).text,
        texts.cell(thing, moment).text,
        group[0].text,
        texts_of(kind, thing, moment)[0][1],
    ]
    assert set(shown) == {"git push https://x-access-token:[redacted]@github.com/acme/web failed"}


def test_merged_mcp_server_cannot_be_changed() -> None:
    merged, own = (
        Entry("k1", McpServerRow("k1", "files", True, "stdio", "npx files", (), is_own=each))
        for each in (False, True)
    )
    for each in kinds()["mcp-servers"].all_actions:
        assert "need a browser session" in (kind_rows.unavailable_reason(each, merged, Session(None)) or "")
        assert kind_rows.unavailable_reason(each, own, Session(None)) == (
            "It is already enabled." if each.id == "enable" else None
        )


async def test_unreadable_team_member_is_counted_and_listed() -> None:
    member = SimpleNamespace(role="owner", label="Ada", email="ada@acme.dev")
    roster = SimpleNamespace(
        team=SimpleNamespace(name="Acme", slug="acme"),
        viewer=SimpleNamespace(can_manage=True),
        members=Rows([member], [BadRow({}, "role: not a text")]),
        invites=Rows(),
    )

    async def read(_: str) -> SimpleNamespace:
        return roster

    teams = kinds()["teams"]
    assert teams.single is not None
    client: Any = SimpleNamespace(teams=SimpleNamespace(members=read))
    record = (await teams.single.read(client, "k1", TeamRow("k1", "Acme", "acme", "owner"))).row
    assert record is not None
    assert (record.people, record.invited) == (2, 0)
    assert record.roster == ("owner      Ada  ada@acme.dev", "unreadable role: not a text")
