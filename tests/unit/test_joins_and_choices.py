"""Values joined from several lists, choices of parameters, account readiness."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from mogplex_tui.api.errors import NotSignedIn
from mogplex_tui.api.models.account import User
from mogplex_tui.api.models.assignments_and_triggers import Assignment
from mogplex_tui.api.route_access import Family
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.live.collection import Entry
from mogplex_tui.live.run_row import Cost, RunRow, RunSource
from mogplex_tui.live.session import Session
from mogplex_tui.live.usage_by_owner import DayActivity, DayFigures
from mogplex_tui.operate import account_readiness, formatting, parameter_choices
from mogplex_tui.operate.kinds.assignments import AssignmentRow
from mogplex_tui.operate.kinds.projects import KIND as PROJECTS
from mogplex_tui.operate.kinds.projects import ProjectRow
from tests.unit.fakes import COOKIE, LOGIN, TOKEN, FakeClock


class Record(dict[str, object]):
    """A row whose fields are found by name and as attributes."""

    def __getattr__(self, name: str) -> object:
        return self.get(name)


def new_session(*, token: bool = True) -> Session:
    clock = FakeClock()
    target = Target(
        "t", "http://127.0.0.1:9", Secret(TOKEN) if token else None, None if token else Secret(COOKIE)
    )
    return Session(target, clock=clock)


def _put(session: Session, name: str, *records: dict[str, object] | None) -> None:
    rows = [None if record is None else Record(record) for record in records]
    entries = [
        Entry(str(place if row is None else row.get("id", place)), row) for place, row in enumerate(rows)
    ]
    session.store.set(name).apply([(entry.key, entry) for entry in entries])


def test_project_row_joins_sandbox_assignments_and_day() -> None:
    session = new_session()
    now = session.clock.now()
    row = RunRow(
        "a", RunSource.CALL, "success", repo_id="r", created_at=now - timedelta(hours=1), cost=Decimal("0.40")
    )
    rows = [
        row,
        row._replace(key="b", cost=Decimal("0.02")),
        row._replace(key="c", cost=None),
        row._replace(key="d", created_at=now - timedelta(hours=25)),
        row._replace(key="e", repo_id="other"),
        row._replace(key="f", created_at=None),
    ]
    session.store.set("runs").apply([(each.key, each) for each in rows])
    _put(
        session,
        "sandboxes",
        None,
        {"id": "1", "repo_id": "r", "status": "paused"},
        {"id": "2", "repo_id": None},
    )
    scheduled, plain = (
        Assignment(id=key, repo_id="r", cron_schedule=schedule)
        for key, schedule in (("3", "0 3 * * *"), ("4", None))
    )
    session.store.set("assignments").apply(
        (each.id, Entry(each.id, AssignmentRow(each.id, each))) for each in (scheduled, plain)
    )
    session.store.set("runs").whole_since = now - timedelta(days=2)

    def joined(repo_id: str) -> ProjectRow:
        assert PROJECTS.join is not None
        return PROJECTS.join.fill(session)(ProjectRow(repo_id, "acme/web", None, "main", None, False))

    row_of_r = joined("r")
    assert (row_of_r.sandbox, row_of_r.assigned, row_of_r.schedules) == ("paused", 2, 1)
    assert row_of_r.day == DayFigures(runs=3, unmeasured_runs=3, cost=Decimal("0.42"))
    # Unknown is not zero.
    other = joined("elsewhere")
    assert (other.sandbox, other.assigned, other.schedules, other.day) == (
        None,
        None,
        None,
        DayFigures(runs=0),
    )
    # An empty list of assignments counts 0, a closed one is unknown.
    session.store.set("assignments").freshness.as_of = 1.0
    assert (joined("elsewhere").assigned, joined("elsewhere").schedules) == (0, 0)
    session.access.learn(Family.ASSIGNMENTS, LOGIN)
    assert (joined("elsewhere").assigned, joined("elsewhere").schedules) == (None, None)
    # If the list of runs covers less than a day, sums are lower bounds and no runs are unknown.
    session.store.set("runs").whole_since = known = now - timedelta(hours=2)
    for key, runs in (("r", 3), ("elsewhere", None)):
        day = joined(key).day
        assert (day.runs, day.is_partial, day.complete_from) == (runs, True, known)
    session.store.set("runs").whole_since = None
    day = joined("r").day
    assert (day.runs, day.is_partial, day.complete_from) == (3, True, None)


def test_day_cost_tells_unread_costs_from_unpriced_ones() -> None:
    session = new_session()
    began = session.clock.now() - timedelta(hours=1)
    rows = [
        RunRow("a", RunSource.RUN, "success", repo_id="all", harness="codex", created_at=began),
        RunRow("b", RunSource.JOB, "success", repo_id="some", created_at=began),
        RunRow("c", RunSource.CALL, "success", repo_id="some", created_at=began, cost=Decimal("0.40")),
        RunRow("d", RunSource.CALL, "success", repo_id="none", created_at=began),
    ]
    session.store.set("runs").apply([(each.key, each) for each in rows])
    session.store.set("runs").whole_since = began - timedelta(days=2)
    day = DayActivity(session, lambda row: row.repo_id)
    found = {
        key: (each.cost, each.cost_missing, each.is_cost_partial)
        for key in ("all", "some", "none")
        for each in [day.of(key)]
    }
    assert found == {
        "all": (None, "– needs a browser session", True),
        "some": (Decimal("0.40"), None, True),
        "none": (None, None, False),
    }


def test_automation_can_run_on_repos_of_its_installation() -> None:
    session = new_session()
    session.names.repos.update({"1": "acme/web", "2": "acme/api", "3": "other/repo", "4": "acme/new"})
    session.names.roots["1"] = "apps/web"
    _put(
        session,
        "projects",
        {"id": "1", "installation_id": 7},
        {"id": "2", "github_installation_id": 7},
        {"id": "3", "installation_id": 8},
    )
    _put(session, "automations", {"id": "a", "installation_id": 7})
    assert parameter_choices.repositories_to_run_in(session, "a") == [
        ("2", "acme/api"),
        ("4", "acme/new"),
        ("1", "acme/web apps/web"),
    ]


def test_service_chooses_repo_without_a_token() -> None:
    ((sent, label),) = parameter_choices.repositories_to_run_in(new_session(token=False), "a")
    assert sent == parameter_choices.ANY_REPOSITORY
    assert "the service chooses" in label


def test_service_chooses_repo_when_v1_refuses_the_token() -> None:
    session = new_session()
    session.names.repos["1"] = "acme/web"
    _put(session, "automations", {"id": "a", "installation_id": 7})
    assert parameter_choices.repositories_to_run_in(session, "a") == [("1", "acme/web")]
    session.access.learn(Family.V1, NotSignedIn("The token is not accepted", status=401))
    ((sent, label),) = parameter_choices.repositories_to_run_in(session, "a")
    assert (sent, "the service chooses" in label) == (parameter_choices.ANY_REPOSITORY, True)


def test_enabled_available_models_are_choices() -> None:
    session = new_session()
    _put(
        session,
        "models",
        {"id": "z", "name": "Z", "is_enabled": True, "is_available": True},
        {"id": "a", "name": "A", "is_enabled": True, "is_available": True},
        {"id": "b", "name": "B", "is_enabled": False},
        {"id": "c", "name": "C", "is_enabled": True, "is_available": False},
    )
    assert parameter_choices.model_choices(session, "") == [("a", "A  a"), ("z", "Z  z")]


def test_account_readiness_names_gaps_with_their_fix() -> None:
    account = {
        "id": "u1",
        "name": "Ada",
        "github_status_label": "Not connected",
        "github_synced_repo_count": 15,
        "github_covered_repo_count": 0,
        "github_primary_action": {"label": "Connect", "href": "/projects/connect"},
    }
    points = {
        point.id: point
        for point in account_readiness.readiness_items(User.model_validate(account), "https://service")
    }
    assert (points["account"].group, points["account"].value) == ("account", "Ada")
    lacking = {key: (point.value, point.fix) for key, point in points.items() if not point.ready}
    assert lacking == {
        "github": ("Not connected", "Connect: https://service/projects/connect"),
        "coverage": ("0 of 15", "Install the GitHub App on them: https://service/projects/repositories"),
        "platform-ai": ("not allowed", "Add a provider key: :provider-keys"),
        "platform-sandbox": ("not allowed", "Ask the operator of the service to allow them"),
    }
    unknown = account | {"github_covered_repo_count": None}
    assert "coverage" not in {
        point.id for point in account_readiness.readiness_items(User.model_validate(unknown), "https://s")
    }
    ready = account | {
        "github_app_connected": True,
        "github_status_label": "Ready",
        "github_covered_repo_count": 14,
        "platform_access": {"allow_platform_ai": True, "allow_platform_sandbox": True},
    }
    points = {
        point.id: point
        for point in account_readiness.readiness_items(User.model_validate(ready), "https://service")
    }
    assert all(point.ready and not point.fix for point in points.values())
    assert [points[key].value for key in ("github", "coverage", "platform-ai")] == [
        "Ready",
        "14 of 15",
        "allowed",
    ]


def test_day_figures_count_one_model_and_one_day() -> None:
    session = new_session()
    now = session.clock.now()
    row = RunRow(
        "a",
        RunSource.CALL,
        "success",
        model="acme/nova",
        created_at=now - timedelta(hours=1),
        cost=Decimal("0.40"),
    )
    rows = [
        row._replace(tokens=700),
        row._replace(key="b", cost=None, tokens=None),
        row._replace(key="c", model="acme/nova-mini", cost=Decimal(5), tokens=9),
        row._replace(key="d", created_at=now - timedelta(hours=25), tokens=1),
        row._replace(key="e", model=None),
    ]
    session.store.set("runs").apply([(each.key, each) for each in rows])
    session.store.set("runs").whole_since = now - timedelta(days=2)
    day = DayActivity(session, lambda each: each.model)
    assert day.of("acme/nova") == DayFigures(runs=2, tokens=700, unmeasured_runs=1, cost=Decimal("0.40"))
    assert day.of("acme/nova").are_tokens_partial
    assert day.of("acme/other").cost is None


def test_day_cost_with_an_estimated_part_is_an_estimate() -> None:
    session = new_session()
    now = session.clock.now()
    row = RunRow(
        "a",
        RunSource.CALL,
        "success",
        repo_id="billed",
        created_at=now,
        cost=Decimal("0.40"),
        cost_source=Cost.KNOWN,
    )
    guessed = row._replace(key="b", repo_id="both", cost_source=Cost.ESTIMATED)
    rows = [row, guessed, row._replace(key="c", repo_id="both", cost=Decimal("0.02"))]
    session.store.set("runs").apply([(each.key, each) for each in rows])
    day = DayActivity(session, lambda each: each.repo_id)
    assert [formatting.money(day.of(key).cost) for key in ("billed", "both", "neither")] == [
        "$0.40",
        "~$0.42",
        "–",
    ]
