"""One context at work: what it may, what it spends, which parts are worth asking, and that it ends cleanly."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mogplex_tui.api.access import Family
from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.errors import LoginRequired, MogplexError, NotAllowed, NotSignedIn, Unavailable
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.live.reasons import Requirement
from mogplex_tui.live.session import NotAttached, Session
from mogplex_tui.operate.messages import closed_lines
from tests.unit.fakes import COOKIE, LOGIN, TOKEN, FakeSession, until

NOBODY = NotSignedIn("Unauthorized", status=401)
NO_SCOPE = NotAllowed("Missing scope: write", status=403, missing_scope="write")


def test_a_session_without_a_target_says_so_and_takes_one_later() -> None:
    session, target = Session(), Target("demo", "http://127.0.0.1:9", Secret(TOKEN), None)
    before = session.attached
    with pytest.raises(NotAttached, match="no connection to the embedded control plane yet"):
        _ = session.target
    session.attach(target)
    assert (before, session.attached) == (False, True)
    assert session.target is target


async def test_the_client_is_made_when_it_is_first_used_and_only_once(tmp_path: Path) -> None:
    session = Session(Target("test", "http://127.0.0.1:9", Secret(TOKEN), None), directory=tmp_path)
    before, client = session.client_made, session.client
    assert before is None
    assert isinstance(client, MogplexClient)
    assert [session.client, session.client_made] == [client, client]
    await session.stop()


@pytest.mark.parametrize("read_only", [False, True])
def test_a_read_only_session_may_never_write(tmp_path: Path, read_only: bool) -> None:
    session = FakeSession(tmp_path, read_only=read_only)
    assert session.may_write is not read_only
    session.access.learn(Family.V1, method="POST")
    assert session.may_write is not read_only


def test_a_token_without_the_write_scope_may_not_write_once_that_is_known(tmp_path: Path) -> None:
    session = FakeSession(tmp_path)
    session.access.learn(Family.V1)
    assert session.may_write
    session.access.learn(Family.V1, NO_SCOPE, method="POST")
    assert not session.may_write


def test_unversioned_routes_spend_the_budget_unless_a_session_cookie_pays(tmp_path: Path) -> None:
    assert Session().metered_off_v1()
    assert FakeSession(tmp_path).metered_off_v1()
    session = FakeSession(tmp_path, cookie=COOKIE)
    assert not session.metered_off_v1()
    # From then on the token is sent in its place.
    session.access.cookie.learn(accepted=False)
    assert session.metered_off_v1()


def test_a_family_is_worth_asking_until_it_is_known_to_be_closed(tmp_path: Path) -> None:
    session = FakeSession(tmp_path)
    assert session.open(Family.OBSERVABILITY)
    session.access.learn(Family.OBSERVABILITY)
    assert session.open(Family.OBSERVABILITY)
    session.access.learn(Family.OBSERVABILITY, Unavailable("503", status=503))
    assert session.open(Family.OBSERVABILITY)
    session.access.learn(Family.OBSERVABILITY, LoginRequired("sign in", status=307))
    assert not session.open(Family.OBSERVABILITY)
    assert session.open(Family.V1)


def test_nobody_is_signed_in_only_when_no_road_to_a_run_is_left(tmp_path: Path) -> None:
    session, refused = FakeSession(tmp_path), []
    for family, answer in (
        (Family.V1, NOBODY),
        # From here on no road is left.
        (Family.OBSERVABILITY, LOGIN),
        (Family.OBSERVABILITY, None),
    ):
        session.access.learn(family, answer)
        refused.append(session.refused)
    assert refused == [False, True, False]


def test_a_login_page_alone_is_no_refusal(tmp_path: Path) -> None:
    session = FakeSession(tmp_path)
    session.access.learn(Family.OBSERVABILITY, LOGIN)
    session.access.learn(Family.V1)
    assert not session.refused


async def test_a_started_session_learns_who_it_is_and_stops_without_leaving_a_task(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    session = Session(Target("test", "http://127.0.0.1:9", Secret(TOKEN), None), directory=tmp_path)
    told: list[str | None] = []
    session.account_known.subscribe(lambda: told.append(session.account))
    session.start()
    # Nobody answers there: what was wanted has failed and will be tried again.
    await until(lambda: any(feed.freshness.failures for feed in session.scheduler._feeds.values()))
    assert session.account is None
    assert told == []
    await session.stop()
    assert asyncio.all_tasks() == before


async def test_a_session_that_was_never_started_stops_as_well(tmp_path: Path) -> None:
    session = Session(directory=tmp_path)
    await session.stop()
    assert session.client_made is None


@pytest.mark.parametrize(
    ("cookie", "expired", "error", "begins"),
    [
        (None, False, LOGIN, "Jobs need"),
        (COOKIE, True, LOGIN, "The browser session has expired. Jobs need"),
        (COOKIE, False, NO_SCOPE, "Missing scope: write. "),
    ],
    ids=["no cookie", "expired cookie", "cookie without access"],
)
def test_why_the_browser_session_in_use_does_not_do_is_told_before_that_one_is_needed(
    tmp_path: Path, cookie: str | None, expired: bool, error: MogplexError, begins: str
) -> None:
    session = FakeSession(tmp_path, cookie=cookie)
    session.access.cookie.learn(accepted=not expired)
    session.access.learn(Family.OBSERVABILITY, error)
    cause = session.missing_session(Family.OBSERVABILITY)
    sentences = " ".join(closed_lines(cause, Requirement("jobs")))
    assert sentences.startswith(begins)
    assert sentences.endswith("Jobs need a browser session: mogplex-tui login --session opens it.")


def test_families_are_not_asked_again_one_by_one_while_the_cookie_is_refused(tmp_path: Path) -> None:
    session = FakeSession(tmp_path, cookie=COOKIE)
    for family, error in ((Family.OBSERVABILITY, LOGIN), (Family.SETTINGS, NOBODY), (Family.V1, NOBODY)):
        session.access.learn(family)
        session.access.learn(family, error)
    session.access.cookie.learn(accepted=False)
    session.doubt()
    # What refuses the token may pass; what wants a session waits for the one test of the cookie.
    assert [session.open(f) for f in (Family.OBSERVABILITY, Family.SETTINGS, Family.V1)] == [
        False,
        True,
        True,
    ]
    session.access.cookie.learn(accepted=True)
    assert session.open(Family.OBSERVABILITY)


@pytest.mark.parametrize("error", [NOBODY, LOGIN])
def test_what_was_open_and_refuses_the_credential_is_asked_again(tmp_path: Path, error: MogplexError) -> None:
    session = FakeSession(tmp_path, cookie=COOKIE)
    session.access.learn(Family.OBSERVABILITY)
    session.access.learn(Family.OBSERVABILITY, error)
    # What has never answered stays closed.
    session.access.learn(Family.FLOWS, error)
    assert not session.open(Family.OBSERVABILITY)
    assert session.doubt()
    assert (session.open(Family.OBSERVABILITY), session.open(Family.FLOWS)) == (True, False)
    # Meanwhile nothing else is said of it.
    assert session.access.reach(Family.OBSERVABILITY).reason == str(error)
    session.access.learn(Family.OBSERVABILITY, Unavailable("busy", status=503))
    assert session.open(Family.OBSERVABILITY)
    session.access.learn(Family.OBSERVABILITY, error)
    assert not session.open(Family.OBSERVABILITY)
    session.doubt()
    session.access.learn(Family.OBSERVABILITY)
    assert session.open(Family.OBSERVABILITY)
    assert not session.doubt()
