"""The expected result of each command with each set of credentials."""

from __future__ import annotations

from typing import NamedTuple

from tests.credentials.service import Credentials

OK, FAILED, USAGE, NOT_SIGNED_IN, NOT_ALLOWED = 0, 1, 2, 3, 4


class Done(NamedTuple):
    """The expected result of a command with one set of credentials.

    Exit code, number of requests, and a part of the message ("" for no message). `same` is whether the records are
    those that token and cookie print together; None for new records.
    """

    code: int
    requests: int
    says: str = ""
    same: bool | None = True


class Line(NamedTuple):
    """A command and its result with each set of credentials.

    A read-only token gives the result of a token unless another is given, with and without a cookie.
    """

    command: str
    both: Done
    token: Done
    cookie: Done
    everywhere: Done
    read_only: Done | None = None
    read_only_both: Done | None = None

    def cell(self, credentials: Credentials) -> Done:
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


def whole(requests: int, says: str = "") -> Done:
    """Return a success with the records that both credentials print."""
    return Done(OK, requests, says)


def needs_session(requests: int) -> Done:
    """Return a refusal with the advice to sign in."""
    return Done(NOT_SIGNED_IN, requests, _SESSION, same=False)


def alike(command: str, requests: int, says: str = "", *, token: Done | None = None) -> Line:
    """Return a command with the same result for all sets, or all but the token."""
    done = whole(requests, says)
    return Line(command, done, token or done, done, done)


# Only v1 has runs; calls and jobs are searched for the id before the message.
_NO_TOKEN_FOR_RUN = Done(NOT_SIGNED_IN, 4, "the id of a run cannot be looked up without a token.", same=False)

# Names in capitals stand for ids of the plane.
READS = (
    # Projects are joined with sandboxes and assignments; `repos` is the former name of the command.
    alike(
        "projects list",
        4,
        # The session's list leaves out a repository that the GitHub App does not cover (projects.md §3.2).
        token=Done(OK, 4, "With a token alone this list has visible repositories;", same=False),
    ),
    alike("repos get REPO", 4, token=whole(4, "With a token alone this list has visible repositories;")),
    alike("repos get acme/api", 4, token=whole(4, "With a token alone this list has visible repositories;")),
    # The roster and its summary are read too.
    alike("agents list", 3, token=Done(OK, 2, "With a token alone this list has names and", same=False)),
    alike("agents get Reviewer", 3, token=whole(2, "With a token alone this list has names and")),
    alike("models list", 1),
    alike("models get MODEL", 1),
    alike("models new", 1, token=needs_session(1)),
    alike("sandboxes list", 3),
    alike("sandboxes get SANDBOX", 3),
    alike("sandboxes health SANDBOX", 4),
    alike("sandboxes logs SANDBOX", 4),
    alike("automations list", 1, token=Done(OK, 2, "With a token alone this list has names and", same=False)),
    alike("automations get AUTOMATION", 2, token=whole(4, "With a token alone this list has names and")),
    alike("automations runs AUTOMATION", 2, token=whole(3)),
    alike("assignments list", 3, token=needs_session(1)),
    alike(
        "jobs list --limit 100",
        # Their automations and pending approvals are read too.
        4,
        "Listed: 100 of 143; --limit N lists more.",
        # One request for the automations and one for the runs of each.
        token=Done(OK, 14, "Listed: 100 of 126; --limit N lists more.", same=False),
    ),
    alike("jobs get JOB", 5, token=whole(15, "With a token alone this list has the newest 50 runs")),
    alike("approvals list", 3, token=needs_session(2)),
    alike("settings list", 2),
    alike("settings get theme", 2),
    alike(
        "runs list",
        4,
        "Listed: 100 of 420; --limit N lists more.",
        token=Done(OK, 14, "You see the runs of your automations, and runs started or opened", same=False),
    ),
    Line(
        "runs get RUN",
        both=whole(3),
        token=whole(3, "cost of this run need a browser session"),
        cookie=_NO_TOKEN_FOR_RUN,
        everywhere=whole(3),
    ),
    Line(
        "runs get CALL",
        both=whole(3),
        token=Done(FAILED, 14, "Ids of calls and jobs need a browser session", same=False),
        cookie=whole(2),
        everywhere=whole(3),
    ),
    Line(
        "runs get JOB",
        both=whole(3),
        token=Done(OK, 13, "The model and cost of this run need a browser session", same=False),
        cookie=whole(2),
        everywhere=whole(3),
    ),
    Line("runs events RUN", whole(4), whole(4), _NO_TOKEN_FOR_RUN, whole(4)),
    Line(
        "runs events CALL",
        both=whole(4),
        token=Done(FAILED, 13, "Ids of calls and jobs need a browser session", same=False),
        cookie=whole(3),
        everywhere=whole(4),
    ),
    Line("watch RUN", whole(3, "success"), whole(3, "success"), _NO_TOKEN_FOR_RUN, whole(3, "success")),
    alike("stats", 3, token=needs_session(3)),
    Line("doctor", both=Done(OK, 11), token=Done(OK, 9), cookie=Done(OK, 7), everywhere=Done(OK, 9)),
)

# A change off v1 is refused by the client, after one request for the token's scopes.
_NO_SCOPE = Done(
    NOT_ALLOWED, 1, "was not sent. This token may read only; use one with the write scope.", same=False
)
_REFUSED_BY_V1 = Done(NOT_ALLOWED, 2, "Missing required scope: write. This token may read only", same=False)
_NO_TOKEN = "There is no token for"

# Each command leaves the plane as the next one needs it, except for the runs that are started.
WRITES = (
    Line(
        "models dismiss-new",
        both=whole(2, "The new models are marked as seen."),
        token=needs_session(3),
        read_only=_NO_SCOPE._replace(says="This token may read only; use one with the write scope."),
        cookie=whole(2, "The new models are marked as seen."),
        everywhere=whole(3, "The new models are marked as seen."),
    ),
    Line(
        "settings set --theme dark",
        both=whole(2, "The settings are changed."),
        token=whole(3, "The settings are changed."),
        read_only=_NO_SCOPE,
        cookie=whole(2, "The settings are changed."),
        everywhere=whole(3, "The settings are changed."),
    ),
    # The two parts of the list are read before the change and after it.
    Line(
        "settings edit theme dark",
        both=whole(5, "Setting theme of the web pages is saved."),
        token=whole(6, "Setting theme of the web pages is saved."),
        read_only=_NO_SCOPE,
        cookie=whole(5, "Setting theme of the web pages is saved."),
        everywhere=whole(6, "Setting theme of the web pages is saved."),
    ),
    Line(
        "runs cancel RUN --yes",
        both=Done(FAILED, 3, "is already over: success."),
        token=Done(FAILED, 3, "is already over: success."),
        cookie=_NO_TOKEN_FOR_RUN,
        everywhere=Done(FAILED, 3, "is already over: success."),
    ),
    Line(
        "jobs repair JOB",
        both=Done(FAILED, 4, "Only a waiting job can be repaired. It is success."),
        token=Done(NOT_SIGNED_IN, 15, _SESSION),
        cookie=Done(FAILED, 4, "Only a waiting job can be repaired. It is success."),
        read_only=_NO_SCOPE._replace(same=True),
        everywhere=Done(FAILED, 5, "Only a waiting job can be repaired. It is success."),
    ),
    Line(
        "jobs cancel JOB --yes",
        both=Done(FAILED, 4, "Only a live job can be cancelled, once. It is success."),
        token=Done(NOT_SIGNED_IN, 15, _SESSION),
        cookie=Done(FAILED, 4, "Only a live job can be cancelled, once. It is success."),
        read_only=_NO_SCOPE._replace(same=True),
        everywhere=Done(FAILED, 5, "Only a live job can be cancelled, once. It is success."),
    ),
    Line(
        "automations trigger AUTOMATION --repo acme/api",
        both=Done(OK, 7, "was started: job", same=None),
        token=Done(OK, 11, "was started: job", same=None),
        read_only=_NO_SCOPE,
        # Only v1 takes a repository; a session cannot do it in place of the token.
        read_only_both=_REFUSED_BY_V1._replace(requests=7),
        cookie=Done(USAGE, 4, "the service chooses", same=False),
        everywhere=Done(OK, 8, "was started: job", same=None),
    ),
    Line(
        "runs start --repo acme/api --prompt Fix",
        both=Done(OK, 2, "is started, on branch", same=None),
        token=Done(OK, 2, "is started, on branch", same=None),
        read_only=_REFUSED_BY_V1,
        read_only_both=_REFUSED_BY_V1,
        cookie=Done(NOT_SIGNED_IN, 0, _NO_TOKEN, same=False),
        everywhere=Done(OK, 2, "is started, on branch", same=None),
    ),
)
