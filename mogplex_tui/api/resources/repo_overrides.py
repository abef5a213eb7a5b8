"""Connections, models, rules and skills that a repository excludes or adds."""

from __future__ import annotations

from mogplex_tui.api.errors import InvalidInput
from mogplex_tui.api.models.repo_settings import RepoConnections, RepoModels, RepoRules, RepoSkills
from mogplex_tui.api.request_checks import path_id
from mogplex_tui.api.resources.base import Resource, advice_for_500
from mogplex_tui.api.safe_text import short_id

_NO_EXCLUDING = "The hosted service cannot exclude rules or skills, nor bring them back"


class RepoOverridesResource(Resource):
    """Overrides of a repository: `/api/repos/{id}/connections`, `/models` and so on.

    Only the person who imported the repository can read and change them; for other people each
    method raises NotFound. The hosted service accepts only a session cookie on these routes.
    Contract: projects.md §4.1 to §4.3.
    """

    async def connections(self, repo_id: str) -> RepoConnections:
        """Return the connections of a repository, including those that it excludes.

        Global connections come first, then the repository's own; both groups are ordered by age.
        """
        path, resource = _part(repo_id, "connections")
        return (await self._get(path, resource)).one(RepoConnections)

    async def exclude_connection(self, repo_id: str, connection_id: str, excluded: bool = True) -> None:
        """Exclude a global connection from a repository, or include it again.

        The connection is included if `excluded` is False. Raises NotFound for a connection that is not
        global.
        """
        path, resource = _part(repo_id, "connections")
        body = {"connection_id": path_id(connection_id, "connection"), "excluded": excluded}
        await self._change("POST", path, resource, body=body)

    async def drop_connection_override(self, repo_id: str, override_id: str) -> None:
        """Delete a repository's override of a connection.

        `override_id` is the id of the override, not of the connection. Does nothing if there is no such
        override.
        """
        await self._drop(repo_id, "connections", override_id)

    async def models(self, repo_id: str) -> RepoModels:
        """Return the models that a repository may use, and those that it excludes."""
        path, resource = _part(repo_id, "models")
        return (await self._get(path, resource)).one(RepoModels)

    async def exclude_model(self, repo_id: str, model_id: str, excluded: bool = True) -> None:
        """Exclude a model from a repository, or include it again.

        The model is included if `excluded` is False. Raises ServiceFailed for an unknown model.
        """
        path, resource = _part(repo_id, "models")
        if not model_id.strip():
            raise InvalidInput("Name a model", resource=resource)
        await self._change("POST", path, resource, body={"model_id": model_id.strip(), "excluded": excluded})

    async def rules(self, repo_id: str) -> RepoRules:
        """Return the rules of a repository, and the global rules that it excludes."""
        path, resource = _part(repo_id, "rules")
        return (await self._get(path, resource)).one(RepoRules)

    async def exclude_rule(self, repo_id: str, rule_id: str, excluded: bool = True) -> None:
        """Exclude a global rule from a repository, or include it again.

        The rule is included if `excluded` is False. The hosted service always raises ServiceFailed.
        """
        await self._exclude(repo_id, "rules", {"rule_id": path_id(rule_id, "rule"), "excluded": excluded})

    async def add_rule(self, repo_id: str, name: str, content: str = "") -> None:
        """Add a rule to a repository.

        Later, only the first 80 characters of the rule can be read.
        """
        await self._add(repo_id, "rules", {"name": name.strip(), "content": content})

    async def drop_rule_override(self, repo_id: str, override_id: str) -> None:
        """Delete a rule of a repository; do nothing if there is no such rule.

        `override_id` is the id of the rule in the list of the repository's rules.
        """
        await self._drop(repo_id, "rules", override_id)

    async def skills(self, repo_id: str) -> RepoSkills:
        """Return the skills of a repository, and the global skills that it excludes."""
        path, resource = _part(repo_id, "skills")
        return (await self._get(path, resource)).one(RepoSkills)

    async def exclude_skill(self, repo_id: str, skill_id: str, excluded: bool = True) -> None:
        """Exclude a global skill from a repository, or include it again.

        The skill is included if `excluded` is False. The hosted service always raises ServiceFailed.
        """
        await self._exclude(repo_id, "skills", {"skill_id": path_id(skill_id, "skill"), "excluded": excluded})

    async def add_skill(
        self, repo_id: str, name: str, description: str | None = None, content: str = ""
    ) -> None:
        """Add a skill to a repository; its text cannot be read later."""
        fields: dict[str, object] = {"name": name.strip(), "content": content}
        await self._add(
            repo_id, "skills", fields if description is None else {**fields, "description": description}
        )

    async def drop_skill_override(self, repo_id: str, override_id: str) -> None:
        """Delete a skill of a repository; do nothing if there is no such skill.

        `override_id` is the id of the skill in the list of the repository's skills.
        """
        await self._drop(repo_id, "skills", override_id)

    async def _exclude(self, repo_id: str, part: str, body: dict[str, object]) -> None:
        path, resource = _part(repo_id, part)
        with advice_for_500(_NO_EXCLUDING):
            await self._change("POST", path, resource, body=body)

    async def _add(self, repo_id: str, part: str, body: dict[str, object]) -> None:
        path, resource = _part(repo_id, part)
        if not body["name"]:
            raise InvalidInput("Give it a name", resource=resource)
        await self._change("POST", path, resource, body=body)

    async def _drop(self, repo_id: str, part: str, override_id: str) -> None:
        path, resource = _part(repo_id, part)
        await self._change("DELETE", path, resource, params={"overrideId": path_id(override_id, "override")})


def _part(repo_id: str, part: str) -> tuple[str, str]:
    record = path_id(repo_id, "repository")
    return f"/api/repos/{record}/{part}", f"the {part} of repository {short_id(record)}"
