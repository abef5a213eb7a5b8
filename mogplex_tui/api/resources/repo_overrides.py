"""What one repository does without or has for itself (projects.md §4.1 to §4.3). Hosted: browser session alone.

Open to the person who imported the repository; every method raises NotFound for others.
"""

from __future__ import annotations

from mogplex_tui.api.errors import InvalidInput
from mogplex_tui.api.models.repo_parts import RepoConnections, RepoModels, RepoRules, RepoSkills
from mogplex_tui.api.request_rules import path_id
from mogplex_tui.api.resources.base import Resource, advice_for_500
from mogplex_tui.api.safe_text import short_id

_NO_EXCLUDING = "The hosted service cannot exclude rules or skills, nor bring them back"


class RepoOverridesResource(Resource):
    """`/api/repos/{id}/connections`, `/models`, `/rules` and `/skills`."""

    async def connections(self, repo_id: str) -> RepoConnections:
        """Return global connections, then the repository's own, each by age, and what is excluded."""
        path, about = _part(repo_id, "connections")
        return (await self._get(path, about)).one(RepoConnections)

    async def exclude_connection(self, repo_id: str, connection_id: str, excluded: bool = True) -> None:
        """Do without a global connection, or take it back; raises NotFound for one that is not global."""
        path, about = _part(repo_id, "connections")
        body = {"connection_id": path_id(connection_id, "connection"), "excluded": excluded}
        await self._change("POST", path, about, body=body)

    async def drop_connection_override(self, repo_id: str, override_id: str) -> None:
        """Take an override away by its own id, there or not."""
        await self._drop(repo_id, "connections", override_id)

    async def models(self, repo_id: str) -> RepoModels:
        """Return the models that the repository may use, and those that it does without."""
        path, about = _part(repo_id, "models")
        return (await self._get(path, about)).one(RepoModels)

    async def exclude_model(self, repo_id: str, model_id: str, excluded: bool = True) -> None:
        """Do without a model, or take it back; an unknown one raises ServiceFailed."""
        path, about = _part(repo_id, "models")
        if not model_id.strip():
            raise InvalidInput("Name a model", resource=about)
        await self._change("POST", path, about, body={"model_id": model_id.strip(), "excluded": excluded})

    async def rules(self, repo_id: str) -> RepoRules:
        """Return the rules that hold here and the inherited ones that do not."""
        path, about = _part(repo_id, "rules")
        return (await self._get(path, about)).one(RepoRules)

    async def exclude_rule(self, repo_id: str, rule_id: str, excluded: bool = True) -> None:
        """Do without an inherited rule, or take it back; the hosted service fails on both."""
        await self._exclude(repo_id, "rules", {"rule_id": path_id(rule_id, "rule"), "excluded": excluded})

    async def add_rule(self, repo_id: str, name: str, content: str = "") -> None:
        """Give the repository a rule of its own; its text cannot be read back but for 80 characters."""
        await self._add(repo_id, "rules", {"name": name.strip(), "content": content})

    async def drop_rule_override(self, repo_id: str, override_id: str) -> None:
        """Take a rule of the repository's own away by its id in the list, there or not."""
        await self._drop(repo_id, "rules", override_id)

    async def skills(self, repo_id: str) -> RepoSkills:
        """Return the skills that the repository has and the inherited ones that it does without."""
        path, about = _part(repo_id, "skills")
        return (await self._get(path, about)).one(RepoSkills)

    async def exclude_skill(self, repo_id: str, skill_id: str, excluded: bool = True) -> None:
        """Do without an inherited skill, or take it back; the hosted service fails on both."""
        await self._exclude(repo_id, "skills", {"skill_id": path_id(skill_id, "skill"), "excluded": excluded})

    async def add_skill(
        self, repo_id: str, name: str, description: str | None = None, content: str = ""
    ) -> None:
        """Give the repository a skill of its own; its text cannot be read back."""
        fields: dict[str, object] = {"name": name.strip(), "content": content}
        await self._add(
            repo_id, "skills", fields if description is None else {**fields, "description": description}
        )

    async def drop_skill_override(self, repo_id: str, override_id: str) -> None:
        """Take a skill of the repository's own away by its id in the list, there or not."""
        await self._drop(repo_id, "skills", override_id)

    async def _exclude(self, repo_id: str, part: str, body: dict[str, object]) -> None:
        path, about = _part(repo_id, part)
        with advice_for_500(_NO_EXCLUDING):
            await self._change("POST", path, about, body=body)

    async def _add(self, repo_id: str, part: str, body: dict[str, object]) -> None:
        path, about = _part(repo_id, part)
        if not body["name"]:
            raise InvalidInput("Give it a name", resource=about)
        await self._change("POST", path, about, body=body)

    async def _drop(self, repo_id: str, part: str, override_id: str) -> None:
        path, about = _part(repo_id, part)
        await self._change("DELETE", path, about, params={"overrideId": path_id(override_id, "override")})


def _part(repo_id: str, part: str) -> tuple[str, str]:
    record = path_id(repo_id, "repository")
    return f"/api/repos/{record}/{part}", f"the {part} of repository {short_id(record)}"
