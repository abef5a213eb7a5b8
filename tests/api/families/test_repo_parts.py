"""Overrides, launch presets, secrets and variables of a repository.

projects.md §4, §6; v1.md §1.1.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mogplex_tui.api import errors as e
from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.env_quoting import quoted_env_value
from mogplex_tui.api.models.repo_settings import (
    LaunchPresetDraft,
    RepoConnections,
    RepoModels,
    RepoRules,
    RepoSkills,
)
from mogplex_tui.api.models.vercel_variables import VariableDraft, VercelVariable
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.controlplane.projects.repo_fields import env_vars
from tests.api.families.minimal_plane import NOBODY, Call, MinimalPlane, assert_not_sent
from tests.api.support import Seen, http, ok, serving
from tests.controlplane.projects.project_rows import ProjectRows, insert_connection, insert_rule, insert_skill

BRANCHES: dict[str, Any] = {"base_branch": "main", "working_branch": "main"}


@pytest.fixture
def rows(minimal_plane: MinimalPlane) -> ProjectRows:
    return ProjectRows(minimal_plane.world)


async def test_connections_are_excluded_and_come_back(minimal_plane: MinimalPlane, rows: ProjectRows) -> None:
    here, repo = minimal_plane.client.repo_overrides, minimal_plane.world.repo()
    shared = insert_connection(rows, "docs", 1)
    own = insert_connection(rows, "own", 2, scope="project", repo_id=repo)
    before = await here.connections(repo)
    assert [(row.id, row.scope) for row in before.connections] == [(shared, "global"), (own, "project")]
    assert (before.resolved_mcp_count, before.excluded_ids) == (2, frozenset())
    await here.exclude_connection(repo, shared)
    after = await here.connections(repo)
    assert (after.resolved_mcp_count, after.excluded_ids, len(after.connections)) == (
        1,
        frozenset({shared}),
        2,
    )
    await here.drop_connection_override(repo, after.overrides[0].id)
    assert (await here.connections(repo)).excluded_ids == frozenset()
    await here.exclude_connection(repo, shared)
    await here.exclude_connection(repo, shared, False)
    assert (await here.connections(repo)).excluded_ids == frozenset()
    with pytest.raises(e.NotFound, match="Global connection not found"):
        await here.exclude_connection(repo, own)
    async with minimal_plane.as_other() as other:
        with pytest.raises(e.NotFound, match="Repo not found"):
            await other.repo_overrides.connections(repo)


async def test_models_are_excluded_and_come_back(minimal_plane: MinimalPlane) -> None:
    here, repo = minimal_plane.client.repo_overrides, minimal_plane.world.repo()
    minimal_plane.world.model("acme/nova-1", context_length=200_000)
    await here.exclude_model(repo, " acme/nova-1 ")
    found = await here.models(repo)
    assert ("acme/nova-1" in {model.id for model in found.models}) is False
    assert [(row.model_id, row.excluded) for row in found.overrides] == [("acme/nova-1", True)]
    await here.exclude_model(repo, "acme/nova-1", False)
    model = next(row for row in (await here.models(repo)).models if row.id == "acme/nova-1")
    assert (model.context_length, model.is_enabled) == (200_000, True)
    with pytest.raises(e.ServiceFailed):
        await here.exclude_model(repo, "acme/none")


async def test_rules_are_excluded_added_and_dropped(minimal_plane: MinimalPlane, rows: ProjectRows) -> None:
    here, repo = minimal_plane.client.repo_overrides, minimal_plane.world.repo()
    shared = insert_rule(rows, "style.md", "# Style")
    await here.add_rule(repo, " api.md ", "x" * 100)
    found = await here.rules(repo)
    assert [(row.name, row.source) for row in found.rules] == [("style.md", "global"), ("api.md", "repo")]
    assert len(found.rules[1].content_preview) == 80
    await here.exclude_rule(repo, shared)
    without = await here.rules(repo)
    assert [(row.id, row.source) for row in without.excluded_inherited] == [(shared, "")]
    await here.exclude_rule(repo, shared, False)
    await here.drop_rule_override(repo, found.rules[1].id)
    assert [row.name for row in (await here.rules(repo)).rules] == ["style.md"]


async def test_skills_are_excluded_added_and_dropped(minimal_plane: MinimalPlane, rows: ProjectRows) -> None:
    here, repo = minimal_plane.client.repo_overrides, minimal_plane.world.repo()
    shared = insert_skill(rows, "deploy", "Ship it")
    await here.add_skill(repo, "review", "Look twice", "# Steps")
    await here.add_skill(repo, "bare")
    found = await here.skills(repo)
    assert next((row.name, row.description, row.source) for row in found.skills) == (
        "deploy",
        "Ship it",
        "global",
    )
    assert {row.name for row in found.skills if row.source == "repo"} == {"review", "bare"}
    await here.exclude_skill(repo, shared)
    assert [row.id for row in (await here.skills(repo)).excluded_inherited] == [shared]
    await here.exclude_skill(repo, shared, False)
    for row in found.skills[1:]:
        await here.drop_skill_override(repo, row.id)
    assert [row.id for row in (await here.skills(repo)).skills] == [shared]


async def test_launch_preset_is_replaced_and_deleted(minimal_plane: MinimalPlane) -> None:
    presets, repo = minimal_plane.client.launch_presets, minimal_plane.world.repo()
    draft = LaunchPresetDraft(
        name=" hotfix ",
        base_branch="main",
        working_branch="fix/login",
        create_branch=True,
        root_directory="./apps/web/",
    )
    saved = await presets.save(repo, draft)
    assert (saved.name, saved.root_directory, saved.create_branch) == ("hotfix", "apps/web", True)
    again = await presets.save(repo, LaunchPresetDraft(name="hotfix", **BRANCHES))
    assert (again.id, again.root_directory, again.working_branch) == (saved.id, None, "main")
    for number in range(24):
        await presets.save(repo, LaunchPresetDraft(name=f"p{number}", **BRANCHES))
    with pytest.raises(e.BadRequest, match="Preset cap reached"):
        await presets.save(repo, LaunchPresetDraft(name="one more", **BRANCHES))
    await presets.delete(repo, saved.id)
    assert len(await presets.list(repo)) == 24
    with pytest.raises(e.NotFound, match="Preset not found"):
        await presets.delete(repo, saved.id)


async def test_secret_is_stored_under_github_name(minimal_plane: MinimalPlane, rows: ProjectRows) -> None:
    secrets, repo = minimal_plane.client.repo_secrets, minimal_plane.world.repo()
    with pytest.raises(e.Unavailable, match="GITHUB_API_ERROR: Not Found"):
        await secrets.list(repo)
    rows.remote()
    assert await secrets.put(repo, " npm token ", Secret("hush")) == "NPM_TOKEN"
    assert [found.name for found in await secrets.list(repo)] == ["NPM_TOKEN"]
    await secrets.delete(repo, "NPM_TOKEN")
    await secrets.delete(repo, "NPM_TOKEN")
    assert list(await secrets.list(repo)) == []
    rows.no_github()
    loose = minimal_plane.world.repo("acme/loose", github_installation_id=None)
    with pytest.raises(e.BadRequest) as caught:
        await secrets.put(loose, "A", "x")
    assert caught.value.code == "NO_GITHUB_TOKEN"
    with pytest.raises(e.NotFound):
        await secrets.list(NOBODY)


async def test_variables_of_vercel_are_switched_off(minimal_plane: MinimalPlane) -> None:
    repo, draft = (
        minimal_plane.world.repo(),
        VariableDraft(key=" API_URL ", value=Secret("x"), target=["preview"], type="plain"),
    )
    here, v1 = minimal_plane.client.vercel_variables, minimal_plane.client.repos
    calls: tuple[Call, ...] = (
        lambda _: here.list(repo),
        lambda _: here.add(repo, draft),
        lambda _: here.update(repo, "env_1", "y", ["production"]),
        lambda _: here.delete(repo, "env_1"),
        lambda _: v1.env_vars(NOBODY),
        lambda _: v1.put_env_var(repo, draft),
        lambda _: v1.delete_env_var(repo, "API_URL"),
    )
    for call in calls:
        with pytest.raises(e.FeatureOff):
            await call(minimal_plane.client)
    with pytest.raises(e.NotFound):
        await here.list(NOBODY)
    reader = Target("reader", minimal_plane.server.base_url, Secret(minimal_plane.server.read_only_token))
    async with MogplexClient(reader) as client:
        with pytest.raises(e.NotAllowed, match="write"):
            await client.repos.put_env_var(repo, draft)


async def test_vercel_variables_when_enabled() -> None:
    async def answer(seen: Seen, _: Any) -> bytes:
        row = {"id": "env_1", "key": "A", "target": ["preview"], "type": "plain"}
        if not seen.path.startswith("/api/v1/"):
            bodies: dict[str, Any] = {"GET": [{**row, "value": "hush"}, {"id": "x"}], "POST": row}
            return http(200, bodies.get(seen.method, {"ok": True}))
        return ok(
            {
                "GET": {"envVars": [{**row, "updatedAt": 1_785_924_000_000}]},
                "POST": {"action": "created", "key": "A", "updatedCount": 1},
                "DELETE": {"key": "A", "deletedCount": 2},
            }[seen.method]
        )

    async with serving(answer) as service, service.client() as client:
        listed = await client.vercel_variables.list(NOBODY)
        assert (listed[0].value, len(listed.bad)) == (Secret("hush"), 1)
        assert "hush" not in repr(listed)
        await client.vercel_variables.update(NOBODY, "env_1", Secret("y"), ["preview"])
        assert service.seen[-1].body == b'{"envId":"env_1","target":["preview"],"value":"y"}'
        await client.vercel_variables.delete(NOBODY, "env_1")
        assert (service.seen[-1].method, service.seen[-1].body) == ("DELETE", b'{"envId":"env_1"}')
        draft = VariableDraft(key="A", value=Secret("x"))
        assert (await client.vercel_variables.add(NOBODY, draft)).id == "env_1"
        assert (await client.repos.env_vars(NOBODY))[0].updated_at == 1_785_924_000_000
        assert (await client.repos.put_env_var(NOBODY, draft)).updated_count == 1
        assert service.seen[-1].body == b'{"key":"A","value":"x"}'
        assert (await client.repos.delete_env_var(NOBODY, " A ")).deleted_count == 2


@pytest.mark.parametrize(
    ("draft", "says"),
    [
        (lambda: LaunchPresetDraft(name=" ", **BRANCHES), "name is required"),
        (lambda: LaunchPresetDraft(name="x" * 65, **BRANCHES), "at most 64"),
        (lambda: LaunchPresetDraft(name="x", base_branch="HEAD", working_branch="y"), "name of its own"),
        (lambda: LaunchPresetDraft(name="x", base_branch="main", working_branch="a..b"), "branch name"),
        (lambda: LaunchPresetDraft(name="x", create_branch=True, **BRANCHES), "another name"),
        (lambda: LaunchPresetDraft(name="x", root_directory="a/%2e%2e", **BRANCHES), "lead out"),
        (lambda: VariableDraft(key="1A", value=Secret("x")), "key must contain only"),
        (lambda: VariableDraft(key="A" * 257, value=Secret("x")), "1 to 256"),
        (lambda: VariableDraft(key="A", value=Secret("x" * 65_537)), "65536"),
        (lambda: VariableDraft(key="A", value=Secret("x"), target=[]), "targets"),
        (lambda: VariableDraft(key="A", value=Secret("x"), target=["staging"]), "targets"),
        (lambda: VariableDraft(key="A", value=Secret("x"), type="system"), "type is one of"),
    ],
)
def test_invalid_drafts_name_the_invalid_field(draft: Callable[[], Any], says: str) -> None:
    with pytest.raises(e.InvalidInput, match=says):
        draft()


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.repo_overrides.connections("x"),
        lambda c: c.repo_overrides.exclude_connection(NOBODY, "x"),
        lambda c: c.repo_overrides.exclude_model(NOBODY, " "),
        lambda c: c.repo_overrides.exclude_rule(NOBODY, "style.md"),
        lambda c: c.repo_overrides.add_rule(NOBODY, " "),
        lambda c: c.repo_overrides.add_skill(NOBODY, ""),
        lambda c: c.repo_overrides.drop_skill_override(NOBODY, "x"),
        lambda c: c.launch_presets.delete(NOBODY, "x"),
        lambda c: c.repo_secrets.put(NOBODY, " ", "x"),
        lambda c: c.repo_secrets.put(NOBODY, "A", ""),
        lambda c: c.repo_secrets.delete(NOBODY, " "),
        lambda c: c.vercel_variables.delete(NOBODY, ""),
        lambda c: c.vercel_variables.update(NOBODY, "env", "x", []),
        lambda c: c.repos.env_vars("acme/api"),
        lambda c: c.repos.delete_env_var(NOBODY, " "),
    ],
)
async def test_invalid_input_is_not_sent(call: Call) -> None:
    await assert_not_sent(call)


@given(st.dictionaries(st.from_regex(r"[A-Z_][A-Z0-9_]*", fullmatch=True), st.text(), max_size=4))
def test_variables_round_trip_unchanged(values: dict[str, str]) -> None:
    assert json.loads(env_vars({name: quoted_env_value(value) for name, value in values.items()})) == values


def test_rows_with_unknown_shapes_parse_partially() -> None:
    found = RepoConnections.model_validate(
        {"connections": [{"id": "c", "type": "grpc"}, 1], "overrides": None}
    )
    assert (found.connections[0].type, len(found.connections.bad), found.excluded_ids) == (
        "grpc",
        1,
        frozenset(),
    )
    assert (
        RepoModels.model_validate({"models": [{"id": "m", "capabilities": None}]}).models[0].capabilities
        == []
    )
    assert RepoRules.model_validate({"rules": [{"id": "r", "content_preview": None}]}).rules[0].source == ""
    assert RepoSkills.model_validate({"excluded_inherited": "none"}).excluded_inherited == []
    assert VercelVariable.model_validate({"key": "A", "target": None, "id": None}).target == []
