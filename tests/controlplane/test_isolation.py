"""No route shows, changes or confirms another account's rows.

The requests are made from the OpenAPI document, so that a new route is covered without a change here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.controlplane.operation_requests import (
    RowReference,
    operations,
    request,
    row_references,
    send,
    unknown_id,
)
from tests.controlplane.realtime_reader import RealtimeReader
from tests.controlplane.two_accounts import UUID, TwoAccounts, row_has, two_accounts

pytestmark = pytest.mark.asyncio(loop_scope="module")

BROADCAST = {"job_runs", "assignments", "repo_connection_overrides"}
EMITTING = BROADCAST | {
    "ai_calls",
    "ai_call_events",
    "sandboxes",
    "automation_dispatch_events",
    "limit_events",
    "agents",
    "triggers",
    "repos",
    "github_installations",
    "connections",
}

_FORBIDDEN = (403, '{"error":"Forbidden"}')
_OF_SLACK = (403, '{"error":"forbidden"}')
_SLACK = "/api/integrations/slack/installations/{team_id}"
# Where the contract has a stranger told something else than of a row that is not there, and what.
TOLD: dict[str, tuple[int, str]] = {
    "POST /api/v1/mogplex/runs repoId": (
        404,
        '{"ok":false,"error":{"code":"NOT_FOUND","message":"Repo not found"}}',
    ),
    "PUT /api/conversations id": (409, '{"error":"CONFLICT","conversation":null}'),
    f"GET {_SLACK}/channels team_id": _OF_SLACK,
    f"GET {_SLACK}/links team_id": _OF_SLACK,
    f"POST {_SLACK}/links team_id": _OF_SLACK,
    f"DELETE {_SLACK}/links/{{link_id}} team_id": _OF_SLACK,
}
# Rows that are not owned but shown: whoever holds the token of an invitation may read and take it (identity.md §8).
SHOWN = {"invitation"}
# Where one's own row is answered like none, and leaves no trace: isolation cannot be seen there.
ALIKE = {
    "GET /api/auth/user x-mogplex-team-id": "the header is for scoped routes alone (identity.md §1.5)",
    "GET /api/v1/mogplex/repos/{id}/env-vars id": "switched off for everybody (v1.md §1.1)",
    "POST /api/v1/mogplex/repos/{id}/env-vars id": "switched off for everybody (v1.md §1.1)",
    "DELETE /api/v1/mogplex/repos/{id}/env-vars id": "switched off for everybody (v1.md §1.1)",
    "POST /api/flows x-mogplex-team-id": "looked at for a team's template alone (routing.md §3.4)",
    "GET /api/sandbox/{id}/terminal/connect id": "switched off for everybody (sandboxes.md §4.16)",
    "POST /api/sandbox/{id}/terminal/connect id": "switched off for everybody (sandboxes.md §4.16)",
}
# Where my own row keeps the id that I sent, whatever it names.
UNCHECKED = {
    "PUT /api/assignments skill_id": "stored without a look at the skill (routing.md §1.3)",
    "POST /api/v1/mogplex/runs repoId": "the quota is claimed before the repository is looked at (v1.md §7.2)",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[TwoAccounts]:
    async with two_accounts() as made:
        yield made


def _is_of_a_person(method: str, path: str) -> bool:
    """Return whether tokens or sessions open the operation."""
    (security,) = (one["security"] for verb, name, one in operations() if (verb, name) == (method, path))
    return any("bearer" in way or "session" in way for way in security)


PLACES = [
    place
    for place in row_references()
    if _is_of_a_person(place.method, place.path) and place.kind not in SHOWN
]
READS = [
    (method, path) for method, path, _ in operations() if method == "GET" and _is_of_a_person(method, path)
]
CHANGES = [(method, path) for method, path, _ in operations() if method not in ("GET", "OPTIONS")]


async def test_both_accounts_have_rows_of_every_kind(stage: TwoAccounts) -> None:
    kinds = {place.kind for place in row_references()}
    assert kinds <= set(stage.mine.ids) and kinds <= set(stage.theirs.ids)
    for who in (stage.mine, stage.theirs):
        owned = {
            t
            for t, rows in stage.before.items()
            if any(mark in row for row in rows for mark in stage.marks(who))
        }
        # What nobody has before a browser signs in, an icon is uploaded or a snapshot built, and what is everybody's.
        other = {"models", "plane_meta", "public_files", "provider_snapshots", "reserved_slugs"}
        other |= {"oauth_clients", "oauth_codes", "oauth_tokens", "signin_questions"}
        assert set(stage.before) - owned <= other


@pytest.mark.sampled(3)
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.key)
async def test_row_of_another_account_is_answered_like_a_missing_one(
    stage: TwoAccounts, place: RowReference
) -> None:
    missing, without = await stage.send(place, unknown_id(place.kind))
    found, with_theirs = await stage.send(place, stage.theirs.ids[place.kind])
    in_team = place.kind == "team" and place.where == "path"
    assert found == TOLD.get(place.key, _FORBIDDEN if in_team else missing)
    their_marks, my_marks = stage.marks(stage.theirs), stage.marks(stage.mine)
    assert not row_has(their_marks, found[1])
    assert not [change for change in with_theirs if not row_has(my_marks, change[1])]
    if place.key not in UNCHECKED:
        assert not [
            change for change in with_theirs if row_has(list(filter(UUID.fullmatch, their_marks)), change[1])
        ]
    own, with_mine = await stage.send(place, stage.mine.ids[place.kind])
    alike = own == missing and stage.effect(with_mine) == stage.effect(without)
    assert alike == (place.key in ALIKE), "the request does not get as far as the row"


@pytest.mark.parametrize(("method", "path"), READS, ids=lambda word: word)
async def test_no_response_has_data_of_other_account(stage: TwoAccounts, method: str, path: str) -> None:
    stage.snapshot.restore()
    _, text = await send(stage.me, request(method, path, stage.mine.ids), most_lines=1)
    assert not row_has(stage.marks(stage.theirs), text)


async def test_frames_of_owned_tables_reach_their_owner_alone(stage: TwoAccounts) -> None:
    path = f"/api/realtime/events?tables={','.join(sorted(EMITTING))},end_of_test"
    stage.snapshot.restore()
    async with stage.me.stream("GET", path) as my_stream, stage.they.stream("GET", path) as their_stream:
        mine, theirs = (
            RealtimeReader(my_stream, stage.server.plane),
            RealtimeReader(their_stream, stage.server.plane),
        )
        assert (await mine.line(), await theirs.line()) == (": connected", ": connected")
        for method, path in CHANGES:
            stage.snapshot.restore()
            await send(stage.they, request(method, path, stage.theirs.ids))
        # One end of test each, because a frame without an owner reaches both.
        seen_by_them = await theirs.frames()
        seen_by_me = await mine.frames()
    assert {table for table, _ in seen_by_them} == EMITTING
    assert {table for table, _ in seen_by_me} == BROADCAST
