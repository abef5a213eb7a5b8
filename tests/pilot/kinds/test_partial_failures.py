"""Rows joined from several routes: only what could not be read is stale."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.faults.rules import parse
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.live.freshness import SourceState
from mogplex_tui.operate import formatting
from mogplex_tui.operate.kinds.registry import kinds
from mogplex_tui.operate.messages import subject_sentence
from mogplex_tui.widgets.styles import Tone
from tests.case_share import share_of
from tests.pilot.kinds.kind_navigation import go_to_list, go_to_row
from tests.pilot.kinds.kind_screens import collapse_spaces, running_plane


@pytest.fixture
async def server(seeded_database: Path, tmp_path: Path) -> Any:
    """A seeded plane with routes that can be made to fail."""
    async with running_plane(
        Settings(speed=0, rate_limit=None, fault_route=True), seeded_database, tmp_path
    ) as running:
        yield running


def _fail(ui: Any, rule: str) -> None:
    faults = ui.server.plane.faults
    faults.clear()
    faults.add(parse(rule))


class Case(NamedTuple):
    """A kind, its one failing route, and the notices, columns and rows that get stale."""

    kind: str
    route: str
    what: str
    columns: str = ""
    rows: Callable[[Any], bool] = lambda _: False


CASES = (
    Case("projects", "/api/sandbox", "SANDBOX is", "sandbox"),
    Case("projects", "/api/assignments", "ASSIGNED and CRON are", "assigned cron"),
    Case("projects", "/api/observability/calls", "RUNS 24H and COST 24H are", "runs cost"),
    Case("models", "/api/observability/calls", "TOKENS 24H and COST 24H are", "tokens cost"),
    Case("agents", "/api/agents/roster", "Current states of agents are", "status total_runs last"),
    Case("agents", "/api/agents/roster/summary", "Figures of the last 24 hours are", "runs failed tokens"),
    Case("dispatch", "/api/flows", "OWNER is", "owner"),
    Case("jobs", "/api/flows", "TRIGGER is", "trigger"),
    Case("jobs", "/api/flows/approvals", "Pending approvals are"),
    Case("approvals", "/api/flows", "REQUESTER is", "requester"),
    Case(
        "approvals",
        "/api/flows/approvals",
        "Approvals of automations are",
        rows=lambda record: record.kind != "control",
    ),
    Case(
        "approvals",
        "/api/control/approvals",
        "Approvals of the orchestrator are",
        rows=lambda record: record.kind == "control",
    ),
    Case(
        "settings",
        "/api/auth/user",
        "The readiness is",
        rows=lambda record: record.group not in ("settings", "this console"),
    ),
    Case("settings", "/api/settings", "The settings are", rows=lambda record: record.group == "settings"),
)


def _tones(screen: Any) -> dict[str, list[Tone]]:
    """Return the tones of the cells of every row."""
    screen.on_tick()
    return {key: [tone for _, tone in screen.table_model.cells(key)] for key in screen.rows.rows}


def _with_old(case: Case, screen: Any, tones: dict[str, list[Tone]]) -> dict[str, list[Tone]]:
    """Return the tones with the cells that the case makes stale dimmed."""
    rows, columns = screen.rows.rows, case.columns.split()
    return {
        key: [
            Tone.DIM if case.rows(rows[key].row) or field.name in columns else tone
            for field, tone in zip(screen.kind.columns, of_row, strict=True)
        ]
        for key, of_row in tones.items()
    }


def _texts(screen: Any, columns: str) -> set[str]:
    """Return the texts of these columns in all rows."""
    places = [place for place, field in enumerate(screen.kind.columns) if field.name in columns.split()]
    return {screen.table_model.cells(key)[place][0] for key in screen.rows.rows for place in places}


async def _fails_alone(ui: Any, case: Case) -> None:
    screen = await go_to_list(ui, case.kind)

    def source_states() -> list[SourceState]:
        return list(screen.model.sources())

    await ui.until(
        lambda: all(each.freshness.as_of and not each.failing for each in source_states()), f"{case}: all"
    )
    before = _tones(screen)
    _fail(ui, f"GET {case.route} status:500")
    await ui.press("r")
    # The first failure may be over at once; the second is shown. Asked for, it need not be waited for.
    await ui.until(lambda: any(each.freshness.failures for each in source_states()), f"{case}: a failure")
    await ui.press("r")
    await ui.until(lambda: f"{case.what} shown as " in collapse_spaces(ui.text), f"{case}: what is old")
    await ui.until(lambda: "partly stale" in ui.text, f"{case}: how old it is")
    assert "Showing the last data read" not in ui.text, case
    failing = [each for each in source_states() if each.failing]
    assert {subject_sentence(each.subject, "shown") for each in failing} == {f"{case.what} shown."}, case
    for each in failing:
        each.freshness.as_of = (each.freshness.as_of or 0.0) - 60
    assert _tones(screen) == _with_old(case, screen, before), case
    if case.route.endswith("/calls"):
        # Counts are lower bounds while newer calls are unknown, and zero is a dash.
        texts = _texts(screen, case.columns)
        assert texts and all(text.endswith("+") or text == formatting.DASH for text in texts), (
            f"{case}: {texts}"
        )
    ui.server.plane.faults.clear()
    await ui.press("r")
    await ui.until(lambda: "partly" not in ui.text and "shown as " not in ui.text, f"{case}: all fresh again")
    assert _tones(screen) == before, case


async def test_only_the_part_of_a_failing_route_gets_stale(
    console: Callable[..., Any],
    every_case: bool,
) -> None:
    async with console() as ui:
        for case in share_of(CASES, every_case, step=2):
            await _fails_alone(ui, case)


async def test_value_that_was_never_read_is_a_dash(console: Callable[..., Any], server: PlaneServer) -> None:
    cases = [case for case in CASES if case.kind in ("projects", "models", "agents")]
    for route in {case.route for case in cases}:
        assert server.plane.faults is not None
        server.plane.faults.add(parse(f"GET {route} status:500"))
    async with console() as ui:
        for case in cases:
            screen = await go_to_list(ui, case.kind)
            # Of three failures at once, only the names are shown.
            names = re.escape(case.what.rpartition(" ")[0])

            def unknown(pattern: str = rf"{names}[^.]*not known\.") -> object:
                return re.search(pattern, collapse_spaces(ui.text))

            await ui.until(unknown, f"{case}: what is missing")
            assert "partly not read" in ui.text, case
            assert _texts(screen, case.columns) == {formatting.DASH}, case


async def test_personal_team_reports_that_its_list_fails(console: Callable[..., Any]) -> None:
    async with console() as ui:
        await go_to_row(ui, "teams", "personal")
        await ui.press("enter")
        await ui.until(lambda: len(ui.app.screen_stack) > 1 and ui.app.screen.query("#facts"), "its record")
        _fail(ui, "GET /api/memberships status:503")
        feed = ui.app.parts.collections.of(kinds()["teams"]).feed
        for failures in (1, 2):
            ui.app.session.scheduler.refresh(feed)
            await ui.until(lambda: feed.freshness.failures >= failures, "a failure")
        await ui.sees("Showing the last data read")


@pytest.mark.parametrize(
    ("route", "other", "missing"),
    [
        ("/api/flows/approvals", {"control"}, "Approvals of automations are"),
        ("/api/control/approvals", {"tool", "step"}, "Approvals of the orchestrator are"),
    ],
    ids=["automations refused", "orchestrator refused"],
)
async def test_approvals_of_one_source_stay_if_other_is_refused(
    console: Callable[..., Any], route: str, other: set[str], missing: str
) -> None:
    async with console() as ui:
        screen = await go_to_list(ui, "approvals")
        feed, rows = ui.app.parts.collections.of(kinds()["approvals"]).feed, screen.rows.rows
        before = set(rows)
        _fail(ui, f"GET {route} status:403")
        ui.app.session.scheduler.refresh(feed)
        await ui.until(lambda: set(rows) < before, "what is refused leaving the list")
        await ui.until(
            lambda: f"{missing} not shown." in collapse_spaces(ui.text), "what is missing being said"
        )
        sorts = {item.row.kind for item in rows.values()}
        assert sorts and sorts <= other
        assert "partly" not in ui.text


async def test_unread_approvals_are_not_reported_as_none(console: Callable[..., Any]) -> None:
    async with console() as ui:
        with ui.server.plane.db.transaction() as tx:
            tx.execute("DELETE FROM control_approvals")
        _fail(ui, "GET /api/flows/approvals status:500")
        await ui.app.parts.navigation.go("approvals")
        await ui.sees("The service failed", "r retries now")
        assert "Nothing waits" not in ui.text
