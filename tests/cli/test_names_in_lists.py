"""Names of repositories and agents in commands, with every set of credentials.

Hidden repositories have names too.
"""

from __future__ import annotations

import pytest

from tests.cli.credential_sets import CREDENTIAL_SETS, Credentials, UseCredentials
from tests.controlplane.row_factory import RowFactory


@pytest.fixture
def hidden(factory: RowFactory) -> str:
    """Add a hidden and a listed repository.

    Each has a call, a sandbox and an agent of the account at work.
    """
    agent = factory.agent("Reviewer")
    listed, hidden = factory.repo("acme/api"), factory.repo("acme/legacy", is_hidden=1)
    for repo in (listed, hidden):
        factory.call(repo_id=repo, type="pr_review", model="acme/nova-1", metadata={"agent_id": agent})
        factory.sandbox(repo)
    return hidden


@pytest.mark.parametrize("credentials", CREDENTIAL_SETS.values(), ids=CREDENTIAL_SETS)
async def test_runs_and_sandboxes_are_listed_with_names(
    use_credentials: UseCredentials, factory: RowFactory, hidden: str, credentials: Credentials
) -> None:
    mogplex = use_credentials(credentials)
    sandboxes = await mogplex("sandboxes", "list")
    assert sandboxes.code == 0
    assert "acme/api" in sandboxes.out
    assert ("acme/legacy" in sandboxes.out, hidden[:8] in sandboxes.out) == (
        credentials.lists_hidden,
        not credentials.lists_hidden,
    )
    runs = await mogplex("runs", "list", "--json")
    assert runs.code == 0
    if credentials.lists_hidden:
        assert sorted((row["repo"], row["who"]) for row in runs.objects) == [
            ("acme/api", "Reviewer"),
            ("acme/legacy", "Reviewer"),
        ]
        for name in ("acme/legacy", "legacy", hidden):
            only = await mogplex("runs", "list", "--json", "--repo", name)
            assert [row["repo_id"] for row in only.objects] == [hidden], name


@pytest.mark.parametrize("name", ["token-and-cookie", "token-everywhere"])
async def test_run_starts_in_hidden_repository_by_name_and_id(
    use_credentials: UseCredentials, factory: RowFactory, hidden: str, name: str
) -> None:
    mogplex = use_credentials(CREDENTIAL_SETS[name])
    for text in ("ACME/legacy", hidden.upper()):
        result = await mogplex("runs", "start", "--repo", text, "--prompt", "Fix it")
        assert result.code == 0, result.err
        assert factory.row("external_agent_runs", result.out.strip())["repo_id"] == hidden
        assert "acme/legacy" in result.err


async def test_token_starts_run_in_hidden_repository_by_id(
    use_credentials: UseCredentials, factory: RowFactory, hidden: str
) -> None:
    mogplex = use_credentials(CREDENTIAL_SETS["token"])
    by_name = await mogplex("runs", "start", "--repo", "acme/legacy", "--prompt", "Fix it")
    assert (by_name.code, by_name.out) == (1, "")
    assert "A token does not list hidden repositories: give the ID of one" in by_name.err
    assert "login --session" in by_name.err
    by_id = await mogplex("runs", "start", "--repo", hidden, "--prompt", "Fix it")
    assert by_id.code == 0, by_id.err
    assert factory.row("external_agent_runs", by_id.out.strip())["repo_id"] == hidden


async def test_unchecked_repository_id_is_reported(
    use_credentials: UseCredentials, factory: RowFactory
) -> None:
    mogplex, unknown = use_credentials(CREDENTIAL_SETS["token"]), "7d0c0000-0000-4000-8000-00000000dead"
    result = await mogplex("runs", "start", "--repo", unknown, "--prompt", "Fix it")
    assert result.code != 0
    assert f"Repository {unknown} is not in the token's list" in result.err
    assert factory.plane.db.value("SELECT count(*) FROM external_agent_runs") == 0


async def test_agent_preset_is_shown_by_its_id(use_credentials: UseCredentials, factory: RowFactory) -> None:
    factory.agent("PR-REVIEWER", source_template="PR-REVIEWER")
    factory.call(type="pr_review", model="acme/nova-1", metadata={"agent_id": "preset:PR-REVIEWER"})
    result = await use_credentials(CREDENTIAL_SETS["cookie"])("runs", "list", "--json")
    assert result.only_object["who"] == "PR-REVIEWER"


async def test_repositories_have_names_in_a_team_context(
    use_credentials: UseCredentials, factory: RowFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, now = factory.repo("ada/dotfiles"), factory.clock.us
    with factory.plane.db.transaction() as tx:
        team, teams_repo = tx.new_id(), tx.new_id()
        tx.insert(
            "teams",
            id=team,
            name="Night Shift",
            slug="night-shift",
            owner_user_id=factory.user,
            created_at=now,
            updated_at=now,
        )
        tx.execute("UPDATE repos SET owner_user_id = user_id WHERE id = ?", (own,))
        tx.insert(
            "repos",
            id=teams_repo,
            user_id=factory.user,
            owner_type="team",
            product_team_id=team,
            full_name="acme/secret-shop",
            default_branch="main",
            is_hidden=1,
            created_at=1,
        )
    for repo in (own, teams_repo):
        factory.call(repo_id=repo)
    monkeypatch.setenv("MOGPLEX_TEAM", team)
    result = await use_credentials(CREDENTIAL_SETS["token-and-cookie"])("runs", "list", "--json")
    assert result.code == 0, result.err
    assert sorted(row["repo"] for row in result.objects) == ["acme/secret-shop", "ada/dotfiles"]
