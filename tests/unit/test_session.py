"""A session: access, metering, open route families, start and stop."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.errors import LoginRequired, MogplexError, NotAllowed, NotSignedIn, Unavailable
from mogplex_tui.api.route_access import Family
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.live.reasons import Requirement
from mogplex_tui.live.session import NotAttached, Session
from mogplex_tui.operate.messages import closed_lines
from tests.unit.fakes import COOKIE, LOGIN, TOKEN, FakeSession, wait_until

NOBODY = NotSignedIn("Unauthorized", status=401)
NO_SCOPE = NotAllowed("Missing scope: write", status=403, missing_scope="write")


def test_session_can_be_attached_to_a_target_later() -> None:
    session, target = Session(), Target("demo", "http://127.0.0.1:9", Secret(TOKEN), None)
    before = session.attached
    with pytest.raises(NotAttached, match="no connection to the embedded control plane yet"):
        _ = session.target
    session.attach(target)
    assert (before, session.attached) == (False, True)
    assert session.target is target


async def test_client_is_created_once_on_first_use(tmp_path: Path) -> None:
    session = Session(Target("test", "http://127.0.0.1:9", Secret(TOKEN), None), directory=tmp_path)
    before, client = session.client_made, session.client
    assert before is None
    assert isinstance(client, MogplexClient)
    assert [session.client, session.client_made] == [client, client]
    await session.stop()


@pytest.mark.parametrize("read_only", [False, True])
def test_read_only_session_may_not_write(tmp_path: Path, read_only: bool) -> None:
    session = FakeSession(tmp_path, read_only=read_only)
    assert session.may_write is not read_only
    session.access.learn(Family.V1, method="POST")
    assert session.may_write is not read_only


def test_token_without_write_scope_may_not_write(tmp_path: Path) -> None:
    session = FakeSession(tmp_path)
    session.access.learn(Family.V1)
    assert session.may_write
    session.access.learn(Family.V1, NO_SCOPE, method="POST")
    assert not session.may_write


def test_unversioned_routes_are_metered_without_cookie(tmp_path: Path) -> None:
    assert Session().metered_off_v1()
    assert FakeSession(tmp_path).metered_off_v1()
    session = FakeSession(tmp_path, cookie=COOKIE)
    assert not session.metered_off_v1()
    # The token is now sent instead.
    session.access.cookie.learn(accepted=False)
    assert session.metered_off_v1()


def test_family_is_open_until_known_to_be_closed(tmp_path: Path) -> None:
    session = FakeSession(tmp_path)
    assert session.may_request(Family.OBSERVABILITY)
    session.access.learn(Family.OBSERVABILITY)
    assert session.may_request(Family.OBSERVABILITY)
    session.access.learn(Family.OBSERVABILITY, Unavailable("503", status=503))
    assert session.may_request(Family.OBSERVABILITY)
    session.access.learn(Family.OBSERVABILITY, LoginRequired("sign in", status=307))
    assert not session.may_request(Family.OBSERVABILITY)
    assert session.may_request(Family.V1)


def test_session_is_refused_when_no_family_is_open(tmp_path: Path) -> None:
    session, refused = FakeSession(tmp_path), []
    for family, answer in (
        (Family.V1, NOBODY),
        # From here on no family is open.
        (Family.OBSERVABILITY, LOGIN),
        (Family.OBSERVABILITY, None),
    ):
        session.access.learn(family, answer)
        refused.append(session.refused)
    assert refused == [False, True, False]


def test_login_page_alone_is_no_refusal(tmp_path: Path) -> None:
    session = FakeSession(tmp_path)
    session.access.learn(Family.OBSERVABILITY, LOGIN)
    session.access.learn(Family.V1)
    assert not session.refused


async def test_stopped_session_leaves_no_task(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    session = Session(Target("test", "http://127.0.0.1:9", Secret(TOKEN), None), directory=tmp_path)
    accounts: list[str | None] = []
    session.account_known.subscribe(lambda: accounts.append(session.account))
    session.start()
    # No service answers: the wanted feeds have failed and will be retried.
    await wait_until(lambda: any(feed.freshness.failures for feed in session.scheduler._feeds.values()))
    assert session.account is None
    assert accounts == []
    await session.stop()
    assert asyncio.all_tasks() == before


async def test_session_that_never_started_can_be_stopped(tmp_path: Path) -> None:
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
def test_closed_family_names_the_fault_of_the_cookie(
    tmp_path: Path, cookie: str | None, expired: bool, error: MogplexError, begins: str
) -> None:
    session = FakeSession(tmp_path, cookie=cookie)
    session.access.cookie.learn(accepted=not expired)
    session.access.learn(Family.OBSERVABILITY, error)
    cause = session.missing_session(Family.OBSERVABILITY)
    sentences = " ".join(closed_lines(cause, Requirement("jobs")))
    assert sentences.startswith(begins)
    assert sentences.endswith("Jobs need a browser session: mogplex-tui login --session opens it.")


def test_refused_cookie_keeps_its_families_closed(tmp_path: Path) -> None:
    session = FakeSession(tmp_path, cookie=COOKIE)
    for family, error in ((Family.OBSERVABILITY, LOGIN), (Family.SETTINGS, NOBODY), (Family.V1, NOBODY)):
        session.access.learn(family)
        session.access.learn(family, error)
    session.access.cookie.learn(accepted=False)
    session.retry_lost_access()
    # A refused token may be temporary; families that need the cookie wait for its test.
    assert [session.may_request(f) for f in (Family.OBSERVABILITY, Family.SETTINGS, Family.V1)] == [
        False,
        True,
        True,
    ]
    session.access.cookie.learn(accepted=True)
    assert session.may_request(Family.OBSERVABILITY)


@pytest.mark.parametrize("error", [NOBODY, LOGIN])
def test_family_that_was_open_is_requested_again(tmp_path: Path, error: MogplexError) -> None:
    session = FakeSession(tmp_path, cookie=COOKIE)
    session.access.learn(Family.OBSERVABILITY)
    session.access.learn(Family.OBSERVABILITY, error)
    # A family that never answered stays closed.
    session.access.learn(Family.FLOWS, error)
    assert not session.may_request(Family.OBSERVABILITY)
    assert session.retry_lost_access()
    assert (session.may_request(Family.OBSERVABILITY), session.may_request(Family.FLOWS)) == (True, False)
    # The reason is unchanged until then.
    assert session.access.reach(Family.OBSERVABILITY).reason == str(error)
    session.access.learn(Family.OBSERVABILITY, Unavailable("busy", status=503))
    assert session.may_request(Family.OBSERVABILITY)
    session.access.learn(Family.OBSERVABILITY, error)
    assert not session.may_request(Family.OBSERVABILITY)
    session.retry_lost_access()
    session.access.learn(Family.OBSERVABILITY)
    assert session.may_request(Family.OBSERVABILITY)
    assert not session.retry_lost_access()
