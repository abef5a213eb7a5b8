"""The expected result of each command with each set of credentials."""

from __future__ import annotations

from typing import NamedTuple

from tests.credentials.credential_sets import Credentials

OK, FAILED, USAGE, NOT_SIGNED_IN, NOT_ALLOWED = 0, 1, 2, 3, 4


class ExpectedResult(NamedTuple):
    """The expected result of a command with one set of credentials.

    Exit code, number of requests, and a part of the message ("" for no message). `is_same` is whether the records are
    those that token and cookie print together; None for new records.
    """

    code: int
    requests: int
    message: str = ""
    is_same: bool | None = True


class CommandRow(NamedTuple):
    """A command and its result with each set of credentials.

    A read-only token gives the result of a token unless another is given, with and without a cookie.
    """

    command: str
    both: ExpectedResult
    token: ExpectedResult
    cookie: ExpectedResult
    everywhere: ExpectedResult
    read_only: ExpectedResult | None = None
    read_only_both: ExpectedResult | None = None

    def cell(self, credentials: Credentials) -> ExpectedResult:
        """Return the result with a set of credentials."""
        return {
            Credentials.TOKEN: self.token,
            Credentials.READ_ONLY: self.read_only or self.token,
            Credentials.BOTH: self.both,
            Credentials.READ_ONLY_BOTH: self.read_only_both or self.both,
            Credentials.COOKIE: self.cookie,
            Credentials.EVERYWHERE: self.everywhere,
        }[credentials]


_SESSION = "mogplex-tui login --session opens it."


def success(requests: int, message: str = "") -> ExpectedResult:
    """Return a success with the records that both credentials print."""
    return ExpectedResult(OK, requests, message)


def needs_session(requests: int) -> ExpectedResult:
    """Return a refusal with the advice to sign in."""
    return ExpectedResult(NOT_SIGNED_IN, requests, _SESSION, is_same=False)


def same_for_all(
    command: str, requests: int, message: str = "", *, token: ExpectedResult | None = None
) -> CommandRow:
    """Return a command with the same result for all sets, or all but the token."""
    done = success(requests, message)
    return CommandRow(command, done, token or done, done, done)


# Only v1 has runs; calls and jobs are searched for the id before the message.
_NO_TOKEN_FOR_RUN = ExpectedResult(
    NOT_SIGNED_IN, 4, "the id of a run cannot be looked up without a token.", is_same=False
)

# Names in capitals stand for ids of the plane.
READS = (
    # Projects are joined with sandboxes and assignments; `repos` is the former name of the command.
    same_for_all(
        "projects list",
        4,
        # The session's list leaves out a repository that the GitHub App does not cover (projects.md §3.2).
        token=ExpectedResult(OK, 4, "With a token alone this list has visible repositories;", is_same=False),
    ),
    same_for_all(
        "repos get REPO", 4, token=success(4, "With a token alone this list has visible repositories;")
    ),
    same_for_all(
        "repos get acme/api", 4, token=success(4, "With a token alone this list has visible repositories;")
    ),
    # The roster and its summary are read too.
    same_for_all(
        "agents list",
        3,
        token=ExpectedResult(OK, 2, "With a token alone this list has names and", is_same=False),
    ),
    same_for_all("agents get Reviewer", 3, token=success(2, "With a token alone this list has names and")),
    same_for_all("models list", 1),
    same_for_all("models get MODEL", 1),
    same_for_all("models new", 1, token=needs_session(1)),
    same_for_all("sandboxes list", 3),
    same_for_all("sandboxes get SANDBOX", 3),
    same_for_all("sandboxes health SANDBOX", 4),
    same_for_all("sandboxes logs SANDBOX", 4),
    same_for_all(
        "automations list",
        1,
        token=ExpectedResult(OK, 2, "With a token alone this list has names and", is_same=False),
    ),
    same_for_all(
        "automations get AUTOMATION", 2, token=success(4, "With a token alone this list has names and")
    ),
    same_for_all("automations runs AUTOMATION", 2, token=success(3)),
    same_for_all("assignments list", 3, token=needs_session(1)),
    same_for_all(
        "jobs list --limit 100",
        # Their automations, pending approvals and failures are read too.
        5,
        "Listed: 100 of 143; --limit N shows more.",
        # One request for the automations and one for the runs of each.
        token=ExpectedResult(OK, 14, "Listed: 100 of 126; --limit N shows more.", is_same=False),
    ),
    same_for_all("jobs get JOB", 6, token=success(15, "With a token alone this list has the newest 50 runs")),
    same_for_all("approvals list", 3, token=needs_session(2)),
    same_for_all("settings list", 2),
    same_for_all("settings get theme", 2),
    same_for_all(
        "runs list",
        # The titles of pull requests and the causes of failures are read too.
        6,
        "Listed: 100 of 2,504; --limit N shows more.",
        token=ExpectedResult(
            OK, 14, "You see the runs of your automations, and runs started or opened", is_same=False
        ),
    ),
    CommandRow(
        "runs get RUN",
        both=success(3),
        token=success(3, "cost of this run need a browser session"),
        cookie=_NO_TOKEN_FOR_RUN,
        everywhere=success(3),
    ),
    CommandRow(
        "runs get CALL",
        both=success(3),
        token=ExpectedResult(FAILED, 14, "Ids of calls and jobs need a browser session", is_same=False),
        cookie=success(2),
        everywhere=success(3),
    ),
    CommandRow(
        "runs get JOB",
        both=success(3),
        token=ExpectedResult(OK, 13, "The model and cost of this run need a browser session", is_same=False),
        cookie=success(2),
        everywhere=success(3),
    ),
    CommandRow("runs events RUN", success(4), success(4), _NO_TOKEN_FOR_RUN, success(4)),
    CommandRow(
        "runs events CALL",
        both=success(4),
        token=ExpectedResult(FAILED, 13, "Ids of calls and jobs need a browser session", is_same=False),
        cookie=success(3),
        everywhere=success(4),
    ),
    CommandRow(
        "watch RUN", success(3, "success"), success(3, "success"), _NO_TOKEN_FOR_RUN, success(3, "success")
    ),
    same_for_all("stats", 3, token=needs_session(3)),
    # The calls of the range are read in pages.
    same_for_all("cost --by repo", 14, token=needs_session(3)),
    CommandRow(
        "doctor",
        both=ExpectedResult(OK, 11),
        token=ExpectedResult(OK, 9),
        cookie=ExpectedResult(OK, 7),
        everywhere=ExpectedResult(OK, 9),
    ),
)

# A change off v1 is refused by the client, after one request for the token's scopes.
_NO_SCOPE = ExpectedResult(
    NOT_ALLOWED, 1, "was not sent. This token is read-only; use one with the write scope.", is_same=False
)
_REFUSED_BY_V1 = ExpectedResult(
    NOT_ALLOWED, 2, "Missing required scope: write. This token is read-only", is_same=False
)
_NO_TOKEN = "There is no token for"

# Each command leaves the plane as the next one needs it, except for the runs that are started.
WRITES = (
    CommandRow(
        "models dismiss-new",
        both=success(2, "The new models are marked as seen."),
        token=needs_session(3),
        read_only=_NO_SCOPE._replace(message="This token is read-only; use one with the write scope."),
        cookie=success(2, "The new models are marked as seen."),
        everywhere=success(3, "The new models are marked as seen."),
    ),
    CommandRow(
        "settings set --theme dark",
        both=success(2, "The settings are changed."),
        token=success(3, "The settings are changed."),
        read_only=_NO_SCOPE,
        cookie=success(2, "The settings are changed."),
        everywhere=success(3, "The settings are changed."),
    ),
    # The two parts of the list are read before the change and after it.
    CommandRow(
        "settings edit theme dark",
        both=success(5, "Setting theme of the web pages is saved."),
        token=success(6, "Setting theme of the web pages is saved."),
        read_only=_NO_SCOPE,
        cookie=success(5, "Setting theme of the web pages is saved."),
        everywhere=success(6, "Setting theme of the web pages is saved."),
    ),
    CommandRow(
        "runs cancel RUN --yes",
        both=ExpectedResult(FAILED, 3, "already finished (success)."),
        token=ExpectedResult(FAILED, 3, "already finished (success)."),
        cookie=_NO_TOKEN_FOR_RUN,
        everywhere=ExpectedResult(FAILED, 3, "already finished (success)."),
    ),
    CommandRow(
        "jobs repair JOB",
        both=ExpectedResult(FAILED, 5, "Only a pending job can be repaired; this one is success."),
        token=ExpectedResult(NOT_SIGNED_IN, 15, _SESSION),
        cookie=ExpectedResult(FAILED, 5, "Only a pending job can be repaired; this one is success."),
        read_only=_NO_SCOPE._replace(is_same=True),
        everywhere=ExpectedResult(FAILED, 6, "Only a pending job can be repaired; this one is success."),
    ),
    CommandRow(
        "jobs cancel JOB --yes",
        both=ExpectedResult(FAILED, 5, "Only a live job can be cancelled, once; this one is success."),
        token=ExpectedResult(NOT_SIGNED_IN, 15, _SESSION),
        cookie=ExpectedResult(FAILED, 5, "Only a live job can be cancelled, once; this one is success."),
        read_only=_NO_SCOPE._replace(is_same=True),
        everywhere=ExpectedResult(FAILED, 6, "Only a live job can be cancelled, once; this one is success."),
    ),
    CommandRow(
        "automations trigger AUTOMATION --repo acme/api",
        both=ExpectedResult(OK, 7, "was started: job", is_same=None),
        token=ExpectedResult(OK, 11, "was started: job", is_same=None),
        read_only=_NO_SCOPE,
        # Only v1 takes a repository; a session cannot do it in place of the token.
        read_only_both=_REFUSED_BY_V1._replace(requests=7),
        cookie=ExpectedResult(USAGE, 4, "the service chooses", is_same=False),
        everywhere=ExpectedResult(OK, 8, "was started: job", is_same=None),
    ),
    CommandRow(
        "runs start --repo acme/api --prompt Fix",
        both=ExpectedResult(OK, 2, "is started, on branch", is_same=None),
        token=ExpectedResult(OK, 2, "is started, on branch", is_same=None),
        read_only=_REFUSED_BY_V1,
        read_only_both=_REFUSED_BY_V1,
        cookie=ExpectedResult(NOT_SIGNED_IN, 0, _NO_TOKEN, is_same=False),
        everywhere=ExpectedResult(OK, 2, "is started, on branch", is_same=None),
    ),
)
