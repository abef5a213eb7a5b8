"""A token and a session cookie of different accounts in one context."""

from __future__ import annotations

import pytest

from mogplex_tui.config import credential_store
from mogplex_tui.controlplane.identity.signin.signin_records import issue_tokens, open_session
from mogplex_tui.controlplane.server import PlaneServer
from tests.cli.browser_sign_in import single_context
from tests.cli.support import CommandRunner
from tests.controlplane.row_factory import RowFactory

OWNER = "ada@acme.dev"


class OtherAccount:
    """A second account of the plane: grace@example.dev."""

    def __init__(self, plane: PlaneServer, factory: RowFactory) -> None:
        self.user = factory.profile("grace")
        with plane.plane.db.transaction() as tx:
            self.cookie = f"better-auth.session_token={open_session(tx, self.user, factory.clock.us)}"
        self.token = factory.token(self.user)


@pytest.fixture
def other(plane: PlaneServer, factory: RowFactory) -> OtherAccount:
    return OtherAccount(plane, factory)


def _stored_credentials() -> tuple[str | None, str | None]:
    context = single_context()
    assert context.credential_store is not None
    record = credential_store.load(context.name, context.credential_store)
    assert record is not None
    cookie, token = record.session_cookie, record.token
    return (token.reveal() if token else None, cookie.reveal() if cookie else None)


@pytest.mark.parametrize("first", ["token", "session"])
async def test_credential_of_other_account_needs_force(
    mogplex: CommandRunner, plane: PlaneServer, other: OtherAccount, first: str
) -> None:
    url = plane.base_url
    if first == "token":
        second, own, others = "session", plane.token, other.cookie
        message = f"The token belongs to {OWNER}, the browser session to grace@example.dev."
        both = (own, others)
    else:
        second, own, others = "token", plane.session_cookie, other.token
        message = f"The token belongs to grace@example.dev, the browser session to {OWNER}."
        both = (others, own)
    assert (await mogplex("login", "--base-url", url, f"--{first}", stdin=f"{own}\n")).code == 0
    before = _stored_credentials()
    refused = await mogplex("login", "--base-url", url, f"--{second}", stdin=f"{others}\n")
    assert (refused.code, refused.out) == (2, "")
    assert message in refused.err and "--force" in refused.err and "--context NAME" in refused.err
    assert _stored_credentials() == before
    forced = await mogplex("login", "--base-url", url, f"--{second}", "--force", stdin=f"{others}\n")
    assert forced.code == 0 and message in forced.err
    assert _stored_credentials() == both
    # From then on doctor reports it.
    doctor = await mogplex("doctor")
    assert message in " ".join(doctor.out.split())


async def test_credentials_of_one_account_give_no_warning(mogplex: CommandRunner, plane: PlaneServer) -> None:
    for option, secret in (("token", plane.token), ("session", plane.session_cookie)):
        result = await mogplex("login", "--base-url", plane.base_url, f"--{option}", stdin=f"{secret}\n")
        assert result.code == 0 and "account" not in result.err, result.err
    assert _stored_credentials() == (plane.token, plane.session_cookie)


async def test_token_is_stored_next_to_expired_cookie(
    mogplex: CommandRunner, plane: PlaneServer, other: OtherAccount
) -> None:
    url = plane.base_url
    assert (
        await mogplex("login", "--base-url", url, "--session", stdin=f"{plane.session_cookie}\n")
    ).code == 0
    with plane.plane.db.transaction() as tx:
        tx.execute("UPDATE sessions SET expires_at = 1")
    result = await mogplex("login", "--base-url", url, "--token", stdin=f"{other.token}\n")
    assert result.code == 0
    assert "session cookie has expired" in result.err


@pytest.mark.parametrize("grant_is_mine", [True, False], ids=["same account", "other account"])
@pytest.mark.parametrize("has_repo", [True, False], ids=["with a repository", "without any"])
async def test_doctor_compares_oauth_token_by_repositories(
    mogplex: CommandRunner,
    plane: PlaneServer,
    factory: RowFactory,
    other: OtherAccount,
    grant_is_mine: bool,
    has_repo: bool,
) -> None:
    if has_repo:
        factory.repo("acme/api", owner_user_id=factory.user)
    user = factory.user if grant_is_mine else other.user
    with plane.plane.db.transaction() as tx:
        pair = issue_tokens(tx, "mogplex-cli", user, "openid read write", factory.clock.us)
    mogplex.use(plane.base_url, token=pair["access_token"], cookie=plane.session_cookie)
    service = (await mogplex("doctor", "--json")).objects[0]
    assert service["same_account"] is (grant_is_mine if has_repo else None)
    assert (service["token_account"], service["session_account"]) == (None, OWNER)


async def test_doctor_names_accounts_of_both_credentials(
    mogplex: CommandRunner, plane: PlaneServer, other: OtherAccount
) -> None:
    mogplex.use(plane.base_url, token=other.token, cookie=plane.session_cookie)
    service = (await mogplex("doctor", "--json")).objects[0]
    assert (service["token_account"], service["session_account"]) == ("grace@example.dev", OWNER)
    assert service["same_account"] is False
