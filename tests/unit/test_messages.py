"""Messages about limits, failures and ages, in lists, header and dialogs."""

from __future__ import annotations

from mogplex_tui.api.budget import Priority, RequestOutcome
from mogplex_tui.api.errors import InvalidResponse, ServiceFailed, Throttled, Unavailable
from mogplex_tui.live import run_row as make
from mogplex_tui.live.cost_windows import CostWindow
from mogplex_tui.live.freshness import Freshness, SourceState
from mogplex_tui.live.reasons import Subject
from mogplex_tui.operate import formatting
from mogplex_tui.operate.health_monitor import HealthMonitor
from mogplex_tui.operate.messages import empty_list, freshness_text, read_failures
from mogplex_tui.screens.confirmations import cancel_many_question, cancel_question
from mogplex_tui.screens.freshness_text import freshness_segment
from mogplex_tui.screens.header_line import Look, header_segments
from mogplex_tui.widgets.styles import Tone
from tests.unit.fakes import FakeSession, call, stats


def _limit_messages(session: FakeSession) -> tuple[str, str, str, str]:
    """Return the texts of an empty list, a list, the header and a cancel dialog."""
    now = session.clock.monotonic()
    empty = " ".join(empty_list(session, Freshness(blocked_until=now + 20), noun="runs", empty=""))
    aged = freshness_text(session, Freshness(as_of=now - 9, blocked_until=now + 20))
    findings = HealthMonitor(session, lambda: (0, [])).findings()
    header = " ".join(segment.text for segment in header_segments(session, Look("test"), findings=findings))
    asked = cancel_question(session, make.from_call(call(1, status="streaming")))
    return empty, aged, header, asked.consequences[-1]


def test_header_figures_are_dim_when_their_source_is_stale() -> None:
    session = FakeSession()
    now = session.clock.monotonic()
    costs, asked = session.costs, session.store.set("approvals")
    costs.windows["hour"] = CostWindow(
        stats(cost_today=1.5, total_cost=1.0, total_calls=3), session.clock.now()
    )

    def tones() -> list[Tone]:
        segments = header_segments(session, Look("test"), waiting=2)
        return [each.tone for mark in ("today", "/h", "◆") for each in segments if mark in each.text]

    asked.freshness.as_of = costs.feeds["hour"].freshness.as_of = now
    assert tones() == [Tone.STRONG, Tone.PLAIN, Tone.WARN]
    costs.feeds["hour"].freshness.as_of = now - 300
    assert tones() == [Tone.DIM, Tone.DIM, Tone.WARN]
    asked.sources["flows"] = SourceState(Subject("they"), freshness=Freshness(as_of=now - 30, failures=2))
    assert tones() == [Tone.DIM, Tone.DIM, Tone.DIM]


def test_cancel_question_names_its_request_count() -> None:
    assert _limit_messages(FakeSession())[-1] == "Uses 2 API requests."


def test_service_limit_is_not_called_budget() -> None:
    session = FakeSession()
    session.budget.record_outcome(session.budget.acquire(Priority.TABLE), RequestOutcome.COUNTED)  # type: ignore[arg-type]
    session.budget.hold_back(20)
    empty, aged, header, price = _limit_messages(session)
    assert empty == ("Rate limited; next read in 20s. Actions may still be refused.")
    assert aged == "updated 9s ago · rate limited, next read in 20s"
    assert "API rate limited 20s" in header
    assert "API 55/60" not in header
    assert price == "Uses 2 API requests; the service is rate limiting and may refuse the cancel."


def test_used_up_budget_is_shown_everywhere() -> None:
    session = FakeSession()
    for _ in range(55):
        session.budget.acquire(Priority.ACTION)
    empty, aged, header, price = _limit_messages(session)
    assert empty.startswith("Request budget used up; next read in 20s. Actions may still be refused.")
    assert aged == "updated 9s ago · budget used up, next read in 20s"
    assert "API 55/60" in header
    assert "so the service may refuse the cancel" in price


def test_empty_list_names_the_service_limit() -> None:
    limited = Throttled("Too many requests for the runs", status=429)
    limited.of_requests = True
    session = FakeSession()
    fresh = Freshness(error=limited, failures=1, retry_at=session.clock.monotonic() + 20)
    assert empty_list(session, fresh, noun="runs", empty="")[0] == ("Rate limited; retrying in 20s.")


def test_punctuation_of_service_messages_is_not_doubled() -> None:
    asked = ServiceFailed("The service failed on the runs: Is it up? Who knows?")
    fresh = Freshness(as_of=1.0, error=asked, failures=2)
    messages_shown = [
        " ".join(empty_list(FakeSession(), Freshness(error=asked, failures=2), noun="runs", empty="")),
        read_failures(fresh, now=2.0),
        read_failures(Freshness(as_of=1.0), [SourceState(Subject("older runs"), freshness=fresh)], now=2.0),
        read_failures(
            Freshness(as_of=1.0),
            [SourceState(Subject(f"{name}", is_plural=False), freshness=fresh) for name in "ABC"],
            now=2.0,
        ),
    ]
    assert all("Is it up? Who knows? " in message and "?." not in message for message in messages_shown), (
        messages_shown
    )


def test_failed_list_says_when_it_retries() -> None:
    session = FakeSession()
    soon = session.clock.monotonic() + 2
    messages_shown = {
        kind: empty_list(
            session, Freshness(error=kind("It rests"), failures=1, retry_at=soon), noun="runs", empty=""
        )
        for kind in (Unavailable, ServiceFailed, InvalidResponse)
    }
    again = "Retrying in 2s; r retries now."
    assert messages_shown == {
        Unavailable: ["It rests.", again],
        ServiceFailed: ["It rests.", "If it stays, look at the service's log.", again],
        InvalidResponse: ["It rests.", f"{InvalidResponse.default_advice}.", again],
    }


def test_cancel_question_names_agent_of_run_without_repo() -> None:
    row = make.from_call(call(1, status="streaming", model="claude-sonnet-4"))
    row = row._replace(repo=None, repo_id=None, branch=None, who="Fixer")
    one = cancel_question(FakeSession(), row)
    assert "Fixer   claude-sonnet-4" in one.lines[1]
    assert formatting.DASH not in "".join(one.lines)
    left = cancel_many_question(FakeSession(), [row], 1)
    assert "Fixer" in left.lines[0]
    assert "claude-sonnet-4" in left.lines[0]
    assert (left.title, left.confirm_label) == ("Cancel 1 run?", "Cancel run")


def test_stale_or_failing_freshness_is_a_warning() -> None:
    session = FakeSession()
    now = session.clock.monotonic()
    assert freshness_segment(session, Freshness(as_of=now - 30)).tone is Tone.DIM
    assert freshness_segment(session, Freshness(as_of=now - 300)).tone is Tone.WARN
    assert freshness_segment(session, Freshness(as_of=now - 30, failures=1)).tone is Tone.WARN
    assert freshness_segment(session, Freshness(as_of=now - 30, blocked_until=now + 9)).tone is Tone.WARN


def test_rarely_read_list_is_not_stale_before_its_interval() -> None:
    rarely, often = Freshness(as_of=100.0, every=300.0), Freshness(as_of=100.0, every=20.0)
    assert [rarely.stale(100.0 + age) for age in (91, 300, 331)] == [False, False, True]
    assert [often.stale(100.0 + age) for age in (60, 91)] == [False, True]


def test_lasting_read_failure_is_explained() -> None:
    error = Unavailable("The service cannot serve the models now: Service unavailable.")
    assert read_failures(Freshness(as_of=1.0, error=error, failures=1, retry_at=9.0), now=2.0) == ""
    assert read_failures(Freshness(error=error, failures=2), now=2.0) == ""
    for troubled in (
        Freshness(as_of=1.0, error=error, failures=2, retry_at=9.0),
        Freshness(as_of=1.0, error=error, failures=1),
    ):
        assert read_failures(troubled, now=2.0) == (
            "The service cannot serve the models now: Service unavailable. "
            "Showing the last data read; r retries."
        )
