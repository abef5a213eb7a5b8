"""Every operator's route of identity.md and projects.md has a method, found by what the client really sends."""

from __future__ import annotations

from typing import Any

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.models.billing import Subscription
from mogplex_tui.api.models.env_vars import VariableDraft
from mogplex_tui.api.models.keys import ApiKeyDraft
from mogplex_tui.api.models.projects import NewRepository, ProjectDraft, ProjectUpdate
from mogplex_tui.api.models.repo_parts import LaunchPresetDraft
from mogplex_tui.api.models.repos import RepoDraft, RepoUpdate
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from tests.api.families.lab import NOBODY as X
from tests.api.families.lab import Call
from tests.api.support import http, serving
from tests.facts.routes import facts, unnamed

SECTIONS = ("identity.md", "projects.md")
TOKEN = "invite-token"
NUMBER = 88
PNG = b"\x89PNG\r\n\x1a\n"
VARIABLE = VariableDraft(key="A", value=Secret("x"))
PRESET = LaunchPresetDraft(name="p", base_branch="main", working_branch="main")

CALLS: list[Call] = [
    lambda c: c.account.user(),
    lambda c: c.settings.get(),
    lambda c: c.settings.update(theme="dark"),
    lambda c: c.api_keys.list(),
    lambda c: c.api_keys.mint(ApiKeyDraft(name="k")),
    lambda c: c.api_keys.revoke(X),
    lambda c: c.provider_keys.list(),
    lambda c: c.provider_keys.put("openai", "k"),
    lambda c: c.provider_keys.delete("openai"),
    lambda c: c.provider_keys.verify("openai"),
    lambda c: c.models.list(),
    lambda c: c.models.set_enabled("a/b", True),
    lambda c: c.models.new(),
    lambda c: c.models.dismiss_new(),
    lambda c: c.models.set_auto_enable(True),
    lambda c: c.models.provider_icons(),
    lambda c: c.teams.memberships(),
    lambda c: c.teams.create("T", "t"),
    lambda c: c.teams.check_slug("t"),
    lambda c: c.teams.roster(X),
    lambda c: c.teams.set_role(X, X, "viewer"),
    lambda c: c.teams.remove_member(X, X),
    lambda c: c.invites.send(X, "a@b.c", "viewer"),
    lambda c: c.invites.send_many(X, ["a@b.c"], "viewer"),
    lambda c: c.invites.resend(X, X),
    lambda c: c.invites.revoke(X, X),
    lambda c: c.teams.models(X),
    lambda c: c.teams.allow_models(X, None),
    lambda c: c.teams.keys(X),
    lambda c: c.teams.put_key(X, "openai", "k"),
    lambda c: c.teams.delete_key(X, "openai"),
    lambda c: c.teams.audit(X),
    lambda c: c.teams.set_icon(X, PNG),
    lambda c: c.teams.remove_icon(X),
    lambda c: c.teams.installations(X),
    lambda c: c.teams.attach_installation(X, NUMBER),
    lambda c: c.teams.detach_installation(X, NUMBER),
    lambda c: c.teams.hand_over(X, X),
    lambda c: c.invites.read(TOKEN),
    lambda c: c.invites.accept(TOKEN),
    lambda c: c.billing.get(),
    lambda c: c.billing.subscribe(Subscription(plan="p")),
    lambda c: c.billing.portal(),
    lambda c: c.billing.clear_vercel_project(),
    lambda c: c.imported_repos.list(),
    lambda c: c.imported_repos.add(RepoDraft(full_name="a/b")),
    lambda c: c.imported_repos.update(X, RepoUpdate(is_hidden=True)),
    lambda c: c.imported_repos.delete(X),
    lambda c: c.repo_overrides.connections(X),
    lambda c: c.repo_overrides.exclude_connection(X, X),
    lambda c: c.repo_overrides.drop_connection_override(X, X),
    lambda c: c.repo_overrides.models(X),
    lambda c: c.repo_overrides.exclude_model(X, "a/b"),
    lambda c: c.repo_overrides.rules(X),
    lambda c: c.repo_overrides.exclude_rule(X, X),
    lambda c: c.repo_overrides.drop_rule_override(X, X),
    lambda c: c.repo_overrides.skills(X),
    lambda c: c.repo_overrides.exclude_skill(X, X),
    lambda c: c.repo_overrides.drop_skill_override(X, X),
    lambda c: c.launch_presets.list(X),
    lambda c: c.launch_presets.save(X, PRESET),
    lambda c: c.launch_presets.delete(X, X),
    lambda c: c.imported_repos.packages(X),
    lambda c: c.imported_repos.add_subproject(X, "apps/web"),
    lambda c: c.repo_secrets.list(X),
    lambda c: c.repo_secrets.put(X, "A", "x"),
    lambda c: c.repo_secrets.delete(X, "A"),
    lambda c: c.imported_repos.snapshot(X),
    lambda c: c.imported_repos.build_snapshot(X),
    lambda c: c.imported_repos.delete_snapshot(X),
    lambda c: c.vercel_variables.list(X),
    lambda c: c.vercel_variables.add(X, VARIABLE),
    lambda c: c.vercel_variables.update(X, "env", "x", ["preview"]),
    lambda c: c.vercel_variables.delete(X, "env"),
    lambda c: c.projects.list(),
    lambda c: c.projects.create(ProjectDraft(name="p")),
    lambda c: c.projects.update(X, ProjectUpdate(name="p")),
    lambda c: c.projects.delete(X),
    lambda c: c.projects.create_repository(X, NewRepository(name="r")),
    lambda c: c.github.installations(),
    lambda c: c.github.org_members(NUMBER),
    lambda c: c.github.owners(),
    lambda c: c.github.sync(),
    lambda c: c.github.pulls(X),
    lambda c: c.repos.env_vars(X),
    lambda c: c.repos.put_env_var(X, VARIABLE),
    lambda c: c.repos.delete_env_var(X, "A"),
]


def wanted() -> set[tuple[str, str]]:
    """What an operator may call by the two files, with the variables of the token API."""
    return {
        fact.key
        for fact in facts()
        if fact.caller == "operator"
        and (fact.section.startswith(SECTIONS) or fact.path == "/api/v1/mogplex/repos/{id}/env-vars")
    }


def plain(path: str) -> str:
    """A path that was sent, with its parameters unnamed."""
    for value in (X, TOKEN, str(NUMBER)):
        path = path.replace(value, "{}")
    return path


async def test_every_route_of_an_operator_has_a_method_and_every_answer_of_another_shape_is_an_error() -> (
    None
):
    # A text is no answer of any of these routes: whoever reads one says so and lets nothing else through.
    async with serving(http(200, "text")) as service, service.client(cookie="s=0123456789") as client:
        for call in CALLS:
            try:
                await call(client)
            except e.InvalidResponse:
                continue
        sent = {(seen.method, plain(seen.path)) for seen in service.seen}
        assert len(service.seen) == len(CALLS)
    assert sent >= wanted(), sorted(wanted() - sent)
    assert {unnamed(path) for _, path in sent} <= {unnamed(fact.path) for fact in facts()}


@pytest.mark.parametrize("path", ["/api/repos", "/api/workspaces", "/api/github/repos", "/api/billing"])
async def test_what_belongs_to_a_team_is_asked_for_that_team(path: str) -> None:
    calls: dict[str, Any] = {
        "/api/repos": lambda c: c.imported_repos.list(),
        "/api/workspaces": lambda c: c.projects.list(),
        "/api/github/repos": lambda c: c.github.sync(),
        "/api/billing": lambda c: c.billing.get(),
    }
    async with serving(http(200, {"enabled": False} if path == "/api/billing" else [])) as service:
        target = Target("t", service.base_url, Secret("mog_Q2xv9TbYk0LmWc7ReHs4DpZa"), team=X)
        async with MogplexClient(target) as client:
            await calls[path](client)
            await client.imported_repos.delete_snapshot(X)
        assert service.seen[0].headers["x-mogplex-team-id"] == X
        # What is below one repository belongs to a person, whatever the team (projects.md §2).
        assert "x-mogplex-team-id" not in service.seen[1].headers
