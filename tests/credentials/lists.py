"""The expected content of each list with each set of credentials."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from tests.credentials.service import Credentials


class Rows(StrEnum):
    """The records of a list, compared with those that token and cookie show together."""

    ALL = "all of them"
    # The session's list leaves out repositories that the GitHub App does not cover (projects.md §3.2).
    MORE = "all of them and more"
    # Other records, or a part with others: jobs instead of calls, runs of automations instead of the newest jobs.
    OTHER = "others"
    NONE = "none"


class Shown(NamedTuple):
    """The expected content of a list with one set of credentials.

    The records, the actions that the key bar offers on the first one, and the notice. Without `actions` the bar offers
    the actions of token and cookie.
    """

    rows: Rows
    actions: tuple[str, ...] | None = None
    says: str = ""


class Line(NamedTuple):
    """A list: actions on its first record with both credentials, and other results."""

    name: str
    actions: tuple[str, ...]
    token: Shown
    read_only: Shown | None = None
    read_only_both: Shown = Shown(Rows.ALL)
    cookie: Shown = Shown(Rows.ALL)
    everywhere: Shown = Shown(Rows.ALL)

    def cell(self, credentials: Credentials) -> Shown:
        """Return the expected content with a set of credentials, with its actions."""
        if credentials is Credentials.READ_ONLY:
            # A token without the write scope is offered no action that changes something.
            return self.read_only or self.token._replace(actions=())
        shown = {
            Credentials.TOKEN: self.token,
            Credentials.BOTH: Shown(Rows.ALL),
            Credentials.READ_ONLY_BOTH: self.read_only_both,
            Credentials.COOKIE: self.cookie,
            Credentials.EVERYWHERE: self.everywhere,
        }[credentials]
        return shown if shown.actions is not None else shown._replace(actions=self.actions)


_OPENS = "need a browser session: mogplex-tui login --session opens it."


def closed(what: str, more: str = "") -> Shown:
    """Return the content of a list that only a session opens."""
    return Shown(Rows.NONE, (), f"{what} {_OPENS}{more}")


def narrow(shown: str, hidden: str, *actions: str, rows: Rows = Rows.ALL) -> Shown:
    """Return the content of a list for which a token opens only a few fields."""
    return Shown(rows, actions, f"With a token alone this list has {shown}; {hidden} {_OPENS}")


WHOLE = Shown(Rows.ALL)

LISTS = (
    Line(
        "runs",
        ("cancel", "new run"),
        token=Shown(
            Rows.OTHER,
            ("new run",),
            "You see the runs of your automations, and runs started or opened from here;"
            f" all others, and all costs, {_OPENS}",
        ),
        # Only v1 starts runs, which needs the write scope.
        read_only_both=Shown(Rows.ALL, ("cancel",)),
        cookie=Shown(Rows.ALL, ("cancel",)),
    ),
    Line(
        "agents",
        ("create", "update"),
        narrow("names and categories", "states, runs, tokens and prompts of agents"),
    ),
    # Tokens are refused with 403 where there is no edge (identity.md §4).
    Line("api-keys", ("create", "revoke"), closed("API keys"), everywhere=closed("API keys")),
    Line(
        "approvals",
        ("approve", "deny"),
        closed("Approvals", " :jobs state:waiting shows runs of automations that wait."),
    ),
    Line("assignments", ("disable",), closed("Assignments", " :automations shows what else starts work.")),
    Line(
        "automations",
        ("pause", "run now"),
        narrow(
            "names and states, and an automation's page its newest runs",
            "counts of runs, and pausing and activating,",
            "publish",
        ),
    ),
    Line("commands", (), closed("Slash commands")),
    Line("connections", ("enable", "test"), closed("Connections")),
    Line("conversations", (), closed("Conversations")),
    Line(
        "dispatch",
        (),
        closed("Entries of the dispatch ledger", " The page of a job in :jobs shows its own entries."),
    ),
    Line("failures", (), closed("Failures", " :jobs state:failed shows failed runs of automations.")),
    Line("installations", ("sync",), closed("GitHub installations")),
    Line(
        "jobs",
        ("cancel",),
        narrow(
            "the newest 50 runs of each automation",
            "other jobs, agents, costs and actions on jobs",
            rows=Rows.OTHER,
        ),
    ),
    # The list is open to tokens, a single server is not (auth.md §4).
    Line("mcp-servers", ("disable",), Shown(Rows.ALL, ())),
    Line("members", (), closed("Members")),
    Line("memories", (), closed("Memories")),
    Line("models", ("disable", "set default"), WHOLE),
    Line(
        "projects",
        (),
        narrow(
            "visible repositories",
            "projects, GitHub coverage, hidden repositories and assignments",
            rows=Rows.MORE,
        ),
    ),
    Line("provider-keys", (), closed("Provider keys"), everywhere=closed("Provider keys")),
    Line("rules", (), closed("Rules")),
    Line("sandboxes", ("pause", "stop"), WHOLE),
    Line("settings", (), WHOLE),
    Line("skills", (), closed("Skills")),
    Line("teams", (), closed("Teams")),
    Line("triggers", ("disable",), closed("Triggers")),
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


class Cost(NamedTuple):
    """The maximum number of requests of a console that opens every list once.

    `turned_away` of them are redirected to the login page: a closed family is read once for each part of the service,
    and the first reads start together.
    """

    requests: int
    turned_away: int


COST = {
    Credentials.BOTH: Cost(90, 0),
    Credentials.TOKEN: Cost(65, 22),
    Credentials.READ_ONLY: Cost(65, 22),
    Credentials.READ_ONLY_BOTH: Cost(90, 0),
    Credentials.COOKIE: Cost(90, 0),
    Credentials.EVERYWHERE: Cost(90, 0),
}
