"""Ids of another account in unexpected fields show, change and announce nothing.

`tests/controlplane/test_isolation.py` puts them where an operation names a row, and compares with an id
that no row has. Here they are in all other fields, in fields and headers that no operation knows, in
nested objects, and in the arguments of the MCP endpoint. With MOGPLEX_TEST_LONG=1 each field is tried with
the id of every kind of row.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.controlplane.api_paths import V1
from tests.controlplane.database_snapshot import DatabaseSnapshot
from tests.controlplane.operation_requests import (
    RowReference,
    fields,
    operations,
    request,
    row_references,
    send,
    unknown_id,
)
from tests.controlplane.two_accounts import TwoAccounts, row_has, two_accounts

pytestmark = pytest.mark.asyncio(loop_scope="module")

LONG = os.environ.get("MOGPLEX_TEST_LONG") == "1"

# Names of columns that a handler could take from a request by mistake.
EXTRA = (
    *("id", "user_id", "userId", "owner_user_id", "actor_user_id", "created_by", "team_id", "teamId"),
    *("product_team_id", "repo_id", "repoId", "agent_id", "flow_id", "workspace_id", "installation_id"),
    *("installationId", "conversationId", "conversation_id", "sandboxId", "sandbox_id", "connection_id"),
)
# The kind of row for a field name; the first match counts.
KINDS = {
    **{word: word for word in ("repo", "agent", "flow", "sandbox", "conversation", "team", "connection")},
    **{
        word: word
        for word in ("skill", "rule", "job", "run", "call", "installation", "workspace", "template")
    },
    "session": "run",
    "cmd": "call",
    "cursor": "conversation",
}
HEADERS = {
    "x-mogplex-team-id": "team",
    "x-delegated-user-id": "profile",
    "x-mogplex-e2e-user-id": "profile",
    "x-mogplex-scope-id": "team",
}
# An endless stream, and the route that would end the session of later requests.
LEFT_OUT = {"/api/realtime/events", "/api/auth/logout"}
OPERATIONS = [(method, path) for method, path, _ in operations() if path not in LEFT_OUT]
AREA = re.compile(r"/(?:api/(?:v1/mogplex/)?)?[^/]+")


def area_of(path: str) -> str:
    """Return the first segments of a path."""
    found = AREA.match(path)
    assert found is not None, path
    return found[0]


AREAS = sorted({area_of(path) for _, path in OPERATIONS})
# Rows that belong to no account, or to the account of the plane itself, which its sign-in page signs in.
NOBODYS = {"provider_snapshots", "sessions", "oauth_clients", "signin_questions"}
# References that the service does not check (routing.md §1.3, v1.md §7.2), as in test_isolation.py.
UNCHECKED = {("assignments", "skill_id"), ("limit_events", "repo_id")}
# A GitHub id that the client sends when it imports a repository; it gives no access.
UNCHECKED |= {("repos", "github_id")}
# Texts that a client chooses itself, which may look like an id.
FREE_TEXTS = {"conversation_id", "channel_id", "tab_id", "session_id", "vercel_project_id", "vercel_team_id"}
# Whoever holds the token of an invitation may read it (identity.md §8).
SHOWN = {"/api/invites/{token}"}


class Attack:
    """Requests of one account that carry ids of another account, and their effects."""

    def __init__(self, accounts: TwoAccounts) -> None:
        self.accounts = accounts
        self.mine, self.theirs = accounts.mine.ids, accounts.theirs.ids
        self.sent = 0

    def their_id(self, name: str) -> Any:
        """The other account's id that a field with this name would hold."""
        kind = next((kind for word, kind in KINDS.items() if word in name.lower()), "profile")
        return self.theirs[kind]

    def graph(self) -> dict[str, Any]:
        """Return an automation graph whose nodes refer to rows of the other account."""
        ids = {name: self.their_id(name) for name in (*EXTRA, "agentId", "connectionId", "flowId", "skillId")}
        ids["filter"] = {
            "scope": "all",
            "installationIds": [self.theirs["installation"]],
            "repos": ["zebra/api"],
        }
        kinds = ("start", "agent", "github", "condition", "join", "delay", "await", "slack", "sandbox", "end")
        place = {"x": 0, "y": 0}
        nodes = [{"id": kind, "type": kind, "position": place, "data": ids} for kind in kinds]
        return {"nodes": nodes, "edges": [{"id": "e", "source": "start", "target": "agent"}]}

    def values(self, name: str, schema: dict[str, Any], where: str) -> Iterator[Any]:
        """Yield the values that are put into one field."""
        found = [self.their_id(name)] if "x-row" not in schema else [self.theirs[schema["x-row"]]]
        if LONG:
            # Not ids that are words: those may come back changed, in a slug for example.
            ids = [one for one in self.theirs.values() if "zebra" not in str(one).lower()]
            found = list({repr(one): one for one in (*found, *ids)}.values())
        for one in found:
            kind = schema.get("type")
            if where != "body" or kind not in ("array", "object", None):
                yield one
            elif kind == "array":
                yield [one]
                yield [dict.fromkeys(EXTRA, one)]
            else:
                yield {name: self.their_id(name) for name in EXTRA}
                yield self.graph()

    def requests(self, method: str, path: str) -> Iterator[dict[str, Any]]:
        """Yield requests of one operation that vary its fields and headers.

        Each field in turn, then unknown fields, then headers.
        """
        own = request(method, path, self.mine)
        (described,) = (one for verb, name, one in operations() if (verb, name) == (method, path))
        known = list(fields(described))
        for where, name, schema, _ in known:
            # The short form leaves out plain texts, and the fields that test_isolation.py tests.
            is_nested = schema.get("type") in ("array", "object", None) and "x-row" not in schema
            if schema.get("x-row") == "invitation" or not (LONG or is_nested):
                continue
            for value in self.values(name, schema, where):
                yield request(method, path, self.mine, RowReference(method, path, where, name, ""), value)
        names = [name for name in EXTRA if name not in {name for _, name, _, _ in known}]
        ids = {name: self.their_id(name) for name in names}
        headers = {name: str(self.theirs[kind]) for name, kind in HEADERS.items()}
        together = {
            **own,
            "params": {**own["params"], **ids},
            "headers": {**own["headers"], **headers},
            **({"json": {**own["json"], **ids}} if "json" in own else {}),
        }
        yield together
        if LONG:
            yield {**own, "params": together["params"]}
            yield {**own, "headers": together["headers"]}
            for name in names if "json" in own else ():
                yield {**own, "json": {**own["json"], name: ids[name]}}

    async def send(self, made: dict[str, Any], shown: str) -> None:
        """Send a request and check that its response holds no data of the other account.

        What the request itself contained may come back.
        """
        self.sent += 1
        _, text = await send(self.accounts.me, made, most_lines=1)
        for known in ("zebra/api", *sorted(map(str, self.theirs.values()), key=len, reverse=True)):
            text = text.replace(known, "")
        assert not row_has(["zebra", "ZEBRA"], text), f"{shown}: {text[:500]}"

    def changes(self) -> list[str]:
        """Return rows of the other account that changed or that are now referred to.

        New rows that belong to neither account are listed too.
        """
        accounts = self.accounts
        gone, new = accounts.snapshot.changed()
        their_marks, my_marks = accounts.marks(accounts.theirs), accounts.marks(accounts.mine)
        their_ids = {str(one) for one in self.theirs.values()}
        found = [f"changed: {table} {row}" for table, row in gone if row_has(their_marks, repr(row))]
        for table, row in new:
            if not row_has(my_marks, repr(row)) and table not in NOBODYS:
                found.append(f"not mine: {table} {row}")
            found += [
                f"names theirs: {table}.{name}"
                for name, value in row.items()
                if name.endswith("_id") and str(value) in their_ids
                if name not in FREE_TEXTS and (table, name) not in UNCHECKED
            ]
        return found


@pytest_asyncio.fixture(
    scope="module", loop_scope="module", params=["documented", "hosted"] if LONG else ["documented"]
)
async def attack(request: pytest.FixtureRequest) -> AsyncIterator[Attack]:
    async with two_accounts(request.param) as accounts:
        yield Attack(accounts)


READS = [(method, path) for method, path in OPERATIONS if method == "GET" and path not in SHOWN]


async def everything(client: httpx.AsyncClient, ids: dict[str, Any], accounts: TwoAccounts) -> dict[str, str]:
    """Return what every reading route answers to an account, without changing values."""
    found = {}
    for method, path in READS:
        _, text = await send(client, request(method, path, ids), most_lines=1)
        found[path] = accounts.plain(text)
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def their_view(attack: Attack) -> dict[str, str]:
    """The other account's data before the attacks; empty in the short form."""
    accounts = attack.accounts
    found = await everything(accounts.they, attack.theirs, accounts) if LONG else {}
    # Some reads write, such as those that ask GitHub.
    accounts.snapshot.restore()
    return found


@pytest.mark.sampled(3)
@pytest.mark.parametrize("area", AREAS)
async def test_ids_of_another_account_have_no_effect(
    attack: Attack, their_view: dict[str, str], area: str
) -> None:
    accounts, hub = attack.accounts, attack.accounts.server.plane.hub
    for method, path in OPERATIONS:
        if area_of(path) != area:
            continue
        version = accounts.snapshot.version()
        listening = hub.subscribe(accounts.theirs.user_id, accounts.before)
        for made in attack.requests(method, path):
            await attack.send(made, f"{method} {path}")
        hub.unsubscribe(listening)
        assert not [frame for frame in listening.drain() if frame and frame.user_id is not None]
        if accounts.snapshot.version() == version:
            continue
        assert attack.changes() == [], f"{method} {path}"
        if LONG:
            # The values stored in my rows show neither account anything of the other.
            assert await everything(accounts.they, attack.theirs, accounts) == their_view, f"{method} {path}"
        accounts.snapshot.restore()
    assert attack.sent


async def test_mcp_arguments_reach_no_row_of_another_account(attack: Attack) -> None:
    accounts = attack.accounts
    accounts.snapshot.restore()
    listed = await accounts.me.post(f"{V1}/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    tools = listed.json()["result"]["tools"]
    assert len(tools) > 15
    for tool in tools:
        names = tool["inputSchema"].get("properties", {})
        kinds = {name: schema.get("type") for name, schema in names.items()}
        arguments: dict[str, Any] = {name: str(attack.their_id(name)) for name in names}
        arguments |= {name: attack.graph() for name, kind in kinds.items() if kind == "object"}
        arguments |= {name: attack.theirs["installation"] for name in names if "installation" in name.lower()}
        call = {"name": tool["name"], "arguments": arguments}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
        await attack.send({"method": "POST", "url": f"{V1}/mcp", "json": message}, tool["name"])
    assert attack.changes() == []


async def test_import_by_name_gives_no_access_to_a_repository(attack: Attack) -> None:
    """An import by name gives no access to a repository of another account."""
    accounts = attack.accounts
    accounts.snapshot.restore()
    client, number = accounts.me, attack.theirs["installation"]
    body = {"full_name": "zebra/api", "owner": "zebra", "name": "api", "github_id": number}
    imported = await client.post("/api/repos", json=body)
    if accounts.server.plane.settings.profile == "hosted":
        # The hosted service refuses every import and stores nothing (projects.md §8).
        assert imported.status_code == 500
        assert accounts.snapshot.changed() == ([], [])
        return
    repo = imported.json()["id"]
    for method, path, sent in (
        ("GET", f"/api/github/pulls?repo_id={repo}", None),
        ("GET", f"/api/github/pulls?repo_id={repo}&pr=1", None),
        ("GET", f"/api/repos/{repo}/monorepo", None),
        ("GET", f"/api/repos/{repo}/secrets", None),
        ("PUT", f"/api/repos/{repo}/secrets", {"name": "NEW", "value": "x"}),
        ("DELETE", f"/api/repos/{repo}/secrets", {"name": "ZEBRA_SECRET"}),
    ):
        answer = await client.request(method, path, json=sent)
        assert not row_has(["zebra pull", "ZEBRA", "zebra-member"], answer.text), path
    gone, new = accounts.snapshot.changed()
    assert not [table for table, _ in [*gone, *new] if table.startswith("github_")]
    accounts.snapshot.restore()


# What a team shares with its members, and rows that show everybody who has their id or token.
SHARED = {"team", "team_template", "invite", "invitation", "profile"}
# Where the contract answers another account's row differently from none: TOLD in test_isolation.py has the reasons.
DIFFERENT = re.compile(r"(POST /api/v1/mogplex/runs|PUT /api/conversations|\w+ /api/integrations/slack/\S+) ")


async def test_team_member_reaches_no_personal_row_of_another() -> None:
    personal = [place for place in row_references() if place.kind not in SHARED]
    found = {}
    async with two_accounts() as accounts:
        team = accounts.theirs.ids["team"]
        with accounts.server.plane.db.transaction(announce=False) as tx:
            member = {"team_id": team, "user_id": accounts.mine.user_id, "role": "viewer"}
            tx.insert("team_members", id=tx.new_id(), joined_at=1, **member)
        vault = DatabaseSnapshot(accounts.server.path)
        for place in personal if LONG else personal[::7]:
            answers = []
            for row in (unknown_id(place.kind), accounts.theirs.ids[place.kind]):
                made = request(place.method, place.path, accounts.mine.ids, place, row)
                made["headers"]["x-mogplex-team-id"] = team
                version = vault.version()
                status, text = await send(accounts.me, made, most_lines=1)
                answers.append((status, accounts.plain(text, row)))
                if vault.version() != version:
                    gone, _ = vault.changed()
                    assert not [row for _, row in gone if row_has(accounts.marks(accounts.theirs), repr(row))]
                    vault.restore()
            if answers[0] != answers[1] and not DIFFERENT.match(place.key):
                found[place.key] = answers
            assert not row_has(["zebra"], answers[1][1]), place.key
        vault.close()
    assert found == {}
