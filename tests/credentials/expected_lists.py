"""The expected content of each list with each set of credentials."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from tests.credentials.credential_sets import Credentials


class Rows(StrEnum):
    """The records of a list, compared with those that token and cookie show together."""

    ALL = "all of them"
    # The session's list leaves out repositories that the GitHub App does not cover (projects.md §3.2).
    MORE = "all of them and more"
    # Other records, or a part with others: jobs instead of calls, runs of automations instead of the newest jobs.
    OTHER = "others"
    NONE = "none"


class ExpectedList(NamedTuple):
    """The expected content of a list with one set of credentials.

    `rows` are the records, `actions` what the key bar offers on the first one, and `notice` the notice. If `actions` is
    None, the key bar offers the same actions as with both token and cookie.
    """

    rows: Rows
    actions: tuple[str, ...] | None = None
    notice: str = ""


class ListRow(NamedTuple):
    """A list: actions on its first record with both credentials, and other results."""

    name: str
    actions: tuple[str, ...]
    token: ExpectedList
    read_only: ExpectedList | None = None
    read_only_both: ExpectedList = ExpectedList(Rows.ALL)
    cookie: ExpectedList = ExpectedList(Rows.ALL)
    everywhere: ExpectedList = ExpectedList(Rows.ALL)

    def cell(self, credentials: Credentials) -> ExpectedList:
        """Return the expected content with a set of credentials, with its actions."""
        if credentials is Credentials.READ_ONLY:
            # A token without the write scope is offered no action that changes something.
            views = tuple(action for action in self.token.actions or () if action in ("groups", "waterfall"))
            return self.read_only or self.token._replace(actions=views)
        shown = {
            Credentials.TOKEN: self.token,
            Credentials.BOTH: ExpectedList(Rows.ALL),
            Credentials.READ_ONLY_BOTH: self.read_only_both,
            Credentials.COOKIE: self.cookie,
            Credentials.EVERYWHERE: self.everywhere,
        }[credentials]
        return shown if shown.actions is not None else shown._replace(actions=self.actions)


_OPENS = "need a browser session: mogplex-tui login --session opens it."


def session_only(subject: str, addition: str = "") -> ExpectedList:
    """Return the content of a list that only a session opens."""
    return ExpectedList(Rows.NONE, (), f"{subject} {_OPENS}{addition}")


def few_fields(shown: str, hidden: str, *actions: str, rows: Rows = Rows.ALL) -> ExpectedList:
    """Return the content of a list for which a token opens only a few fields."""
    return ExpectedList(rows, actions, f"With a token alone this list has {shown}; {hidden} {_OPENS}")


ALL_RECORDS = ExpectedList(Rows.ALL)

LISTS = (
    ListRow(
        "runs",
        ("cancel", "groups", "new run", "waterfall"),
        token=ExpectedList(
            Rows.OTHER,
            ("groups", "new run", "waterfall"),
            "You see the runs of your automations, and runs started or opened from here;"
            f" all others, and all costs, {_OPENS}",
        ),
        # Only v1 starts runs, which needs the write scope.
        read_only_both=ExpectedList(Rows.ALL, ("cancel", "groups", "waterfall")),
        cookie=ExpectedList(Rows.ALL, ("cancel", "groups", "waterfall")),
    ),
    ListRow(
        "agents",
        ("create", "update"),
        few_fields("names and categories", "states, runs, tokens and prompts of agents"),
    ),
    # Tokens are refused with 403 where there is no edge (identity.md §4).
    ListRow("api-keys", ("create", "revoke"), session_only("API keys"), everywhere=session_only("API keys")),
    ListRow(
        "approvals",
        ("approve", "deny"),
        session_only("Approvals", " :jobs state:waiting shows jobs that wait for an approval."),
    ),
    ListRow(
        "assignments", ("disable",), session_only("Assignments", " :automations shows what else starts work.")
    ),
    ListRow(
        "automations",
        ("pause", "trigger"),
        few_fields(
            "names and states, and an automation's page its newest runs",
            "counts of runs, and pausing and activating,",
            "publish",
        ),
    ),
    ListRow("commands", (), session_only("Slash commands")),
    ListRow("connections", ("enable", "test"), session_only("Connections")),
    ListRow("conversations", (), session_only("Conversations")),
    ListRow(
        "dispatch",
        (),
        session_only("Entries of the dispatch log", " The page of a job in :jobs shows its own entries."),
    ),
    ListRow(
        "failures",
        ("groups",),
        session_only("Failures", " :jobs state:failed shows failed runs of automations."),
    ),
    ListRow("installations", ("sync",), session_only("GitHub installations")),
    ListRow(
        "jobs",
        ("cancel", "waterfall"),
        few_fields(
            "the newest 50 runs of each automation",
            "other jobs, agents, costs and actions on jobs",
            "waterfall",
            rows=Rows.OTHER,
        ),
    ),
    # The list is open to tokens, a single server is not (auth.md §4).
    ListRow("mcp-servers", ("disable",), ExpectedList(Rows.ALL, ())),
    ListRow("members", (), session_only("Members")),
    ListRow("memories", (), session_only("Memories")),
    ListRow("models", ("disable", "set default"), ALL_RECORDS),
    ListRow(
        "projects",
        ("new run",),
        few_fields(
            "visible repositories",
            "projects, GitHub coverage, hidden repositories and assignments",
            "new run",
            rows=Rows.MORE,
        ),
        read_only_both=ExpectedList(Rows.ALL, ()),
        cookie=ExpectedList(Rows.ALL, ()),
    ),
    ListRow("provider-keys", (), session_only("Provider keys"), everywhere=session_only("Provider keys")),
    ListRow("rules", (), session_only("Rules")),
    ListRow("sandboxes", ("pause", "stop"), ALL_RECORDS),
    ListRow("settings", (), ALL_RECORDS),
    ListRow("skills", (), session_only("Skills")),
    ListRow("teams", ("act for",), session_only("Teams")),
    ListRow("triggers", ("disable",), session_only("Triggers")),
)


# Lists that hold all of the account's rows in a table: the list's name and the table.
TABLES = {
    "automations": "flows",
    "commands": "custom_commands",
    "connections": "connections",
    "conversations": "conversations",
    "mcp-servers": "user_mcp_servers",
    "memories": "memories",
    "rules": "agent_rules",
    "sandboxes": "sandboxes",
    "skills": "skills",
    "triggers": "triggers",
}


class MaxRequests(NamedTuple):
    """The maximum number of requests of a console that opens every list once.

    `turned_away` of them are redirected to the login page: a closed family is read once for each part of the service,
    and the first reads start together.
    """

    requests: int
    turned_away: int


MAX_REQUESTS = {
    Credentials.BOTH: MaxRequests(90, 0),
    Credentials.TOKEN: MaxRequests(65, 22),
    Credentials.READ_ONLY: MaxRequests(65, 22),
    Credentials.READ_ONLY_BOTH: MaxRequests(90, 0),
    Credentials.COOKIE: MaxRequests(90, 0),
    Credentials.EVERYWHERE: MaxRequests(90, 0),
}
