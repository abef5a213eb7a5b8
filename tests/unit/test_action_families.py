"""Actions send requests only to the route families that they declare."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.errors import LoginRequired, MogplexError, NotAllowed
from mogplex_tui.api.route_access import Family, Reach, family_of
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.live.collection import Entry
from mogplex_tui.live.session import Session
from mogplex_tui.operate.executor import run_action
from mogplex_tui.operate.kind_rows import new_collection
from mogplex_tui.operate.kinds.members import MemberRow
from mogplex_tui.operate.kinds.registry import kinds
from mogplex_tui.operate.model import AnyAction, AnyKind, Change, Creation, Values
from tests.streamed_answers import Streamed

ID = "3f2b8c1e-0000-4000-8000-00000000abcd"
EVERY_ACTION = [(kind, action) for kind in kinds().values() for action in kind.all_actions]
# What is typed, where not any text will do.
TYPED: dict[str, Values] = {
    "agents.create": Values({"name": "Scribe", "model": "acme/nova-1", "category": "api"}),
    "agents.update": Values({"name": "Scribe", "model": "acme/nova-1", "category": "api"}),
    "api-keys.create": Values({"name": "ci"}),
    "assignments.create": Values({"repo": ID, "agent": ID, "type": "pr_review"}),
    "automations.create": Values({"name": "ci", "repo": "7 acme/web"}),
    "automations.trigger": Values({"repo": ID}),
    "members.role": Values({"role": "viewer"}),
    "projects.import": Values({"full_name": "acme/web"}),
    "sandboxes.extend": Values({"minutes": "30"}),
    "sandboxes.launch": Values({"repo": ID}),
    "settings.edit": Values({"value": "dark"}),
}
# What is offered to a browser session alone: the service chooses.
WITHOUT_TOKEN = {"automations.trigger": Values({"repo": "any"})}
# Where a record has no id, but one of a few names.
KEYS = {"settings": "theme", "provider-keys": "openai"}


# Rows of kinds whose requests need more of a row than its key.
ROWS = {"members": MemberRow(ID, ID, "acme", True, "active", "Ada", "viewer")}


class Record(dict[str, Any]):
    """A record whose fields are found by name and as attributes."""

    def __getattr__(self, name: str) -> Any:
        return self.get(name)


def _targets() -> Iterator[tuple[Target, bool]]:
    """Yield targets with and without a token, each with both sources of a record."""
    for token in (Secret("mog_t"), None):
        for flow in (True, False):
            yield Target("t", "http://127.0.0.1:9", token, Secret("s=1")), flow


@pytest.mark.parametrize(
    ("kind", "action"), EVERY_ACTION, ids=lambda each: getattr(each, "name", None) or each.id
)
async def test_action_requests_only_its_declared_families(kind: AnyKind, action: AnyAction) -> None:
    declared = set(action.families)
    went = set()
    for target, flow in _targets():
        asked: list[str] = []

        def answer(request: httpx.Request, asked: list[str] = asked) -> httpx.Response:
            asked.append(request.url.path)
            return httpx.Response(409, json={"error": "no"})

        client = MogplexClient(target, http=Streamed(httpx.MockTransport(answer)))
        sort = "tool" if flow else "control"
        record = ROWS.get(kind.name) or Record(
            id=ID, name="", is_flow=flow, flow=flow, kind=sort, team_id=ID, user_id=ID
        )
        typed = TYPED if target.token is not None else TYPED | WITHOUT_TOKEN
        notes = {each.name: "a note" for each in action.parameters if not each.only_in_command}
        values, view = typed.get(f"{kind.name}.{action.id}", Values(notes)), client.at(Priority.ACTION)
        with pytest.raises(MogplexError):
            if isinstance(action, Creation):
                await action.request(view, values)
            else:
                change = Change(view, KEYS.get(kind.name, ID), record, values, "key", session=Session(target))
                await action.request(change)
        await client.aclose()
        went |= {family_of(path) for path in asked}
    assert went, "nothing was sent"
    if target.token is None and Family.V1 in declared:
        # Without a token there is no request to v1: it is refused here.
        went |= {Family.V1}
    assert went == declared


def _hosted() -> Session:
    """A session with a token alone on a service that needs a cookie for the calls."""
    session = Session(Target("t", "http://127.0.0.1:9", Secret("mog_t")))
    session.access.learn(Family.OBSERVABILITY, LoginRequired("no", resource="runs", status=307))
    return session


async def test_action_on_a_closed_family_is_not_sent() -> None:
    session, kind = _hosted(), kinds()["jobs"]
    cancel = next(action for action in kind.all_actions if action.id == "cancel")
    outcome = await run_action(session, new_collection(session, kind), kind, cancel, Entry(ID, Record(id=ID)))
    assert not outcome.is_success
    assert outcome.sentence.startswith("Changes of jobs need a browser session: mogplex-tui login --session")
    assert session.client_made is None and not session.ledger.entries


@pytest.mark.parametrize(
    ("kind", "action"),
    [each for each in EVERY_ACTION if not isinstance(each[1], Creation)],
    ids=lambda each: getattr(each, "name", None) or each.id,
)
async def test_action_on_an_unreadable_record_is_not_sent(kind: AnyKind, action: AnyAction) -> None:
    session = Session(Target("t", "http://127.0.0.1:9", None, Secret("s=1")))
    outcome = await run_action(session, new_collection(session, kind), kind, action, Entry(ID, None))
    assert outcome.sentence == f"This {kind.noun} could not be read, so it cannot be changed."
    assert not outcome.is_success
    assert session.client_made is None and not session.ledger.entries


def test_mcp_records_need_a_session_until_they_answer() -> None:
    session = _hosted()
    assert session.access.reach(Family.MCP_RECORDS).reach is Reach.NEEDS_SESSION
    session.access.learn(Family.MCP_RECORDS)
    assert session.may_request(Family.MCP_RECORDS)


def test_forbidden_change_closes_no_family() -> None:
    session: Any = Session(Target("t", "http://127.0.0.1:9", Secret("mog_t")))
    forbidden = NotAllowed("not yours", resource="MCP server 1", status=403)
    session.access.learn(Family.MCP_RECORDS, forbidden, method="DELETE")
    assert session.may_request(Family.MCP_RECORDS)
    session.access.learn(Family.MCP_RECORDS, forbidden, method="GET")
    assert not session.may_request(Family.MCP_RECORDS)
