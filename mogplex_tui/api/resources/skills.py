"""Skills, the public skill registry and Vercel's documentation pages."""

from __future__ import annotations

from mogplex_tui.api.errors import InvalidInput
from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.models.skills import (
    DocEntry,
    DocPage,
    RegistrySkill,
    RegistrySkillDetail,
    Skill,
    SkillChange,
    SkillDraft,
)
from mogplex_tui.api.request_checks import path_id, path_segment
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.safe_text import short_id, visible


class SkillsResource(Resource):
    """Skills, the skill registry and documentation pages, at `/api/skills`.

    Contract: library.md §6.
    """

    async def list(self, q: str | None = None) -> Rows[Skill]:
        """Return at most 200 skills of the account, the most recently changed first.

        With `q`, only skills whose name contains `q` are returned; in `q`, % and _ are wildcards.
        """
        return (await self._get("/api/skills", "the skills", q=q)).rows(Skill, None)

    async def create(self, draft: SkillDraft) -> Skill:
        """Create a skill and return it."""
        response = await self._change(
            "POST", "/api/skills", f"skill {visible(draft.name, 40)}", body=draft.set_fields()
        )
        return response.one(Skill)

    async def update(self, skill_id: str, change: SkillChange) -> Skill:
        """Change a skill and return it.

        If there is no such skill, raises NotFound, or ServiceFailed on the hosted service.
        """
        record = path_id(skill_id, "skill")
        body = {"id": record, **change.set_fields()}
        return (await self._change("PUT", "/api/skills", f"skill {short_id(record)}", body=body)).one(Skill)

    async def delete(self, skill_id: str) -> None:
        """Delete a skill with its overrides in repositories.

        Does nothing if there is no such skill.
        """
        record = path_id(skill_id, "skill")
        await self._change("DELETE", "/api/skills", f"skill {short_id(record)}", params={"id": record})

    async def registry(self, q: str | None = None) -> Rows[RegistrySkill]:
        """Return the skills of the public registry that match `q`.

        Without `q`, the most installed skills are returned. The service's copy of the registry may be
        minutes old. Contract: library.md §6.2.
        """
        return (await self._get("/api/skills/registry", "the skill registry", q=q)).rows(
            RegistrySkill, "skills"
        )

    async def registry_skill(self, source: str, skill_id: str) -> RegistrySkillDetail:
        """Return one skill of the public registry with its text.

        `source` is the repository of the skill, as owner/name. Raises NotFound if there is no such
        skill.
        """
        owner, slash, repo = source.strip().partition("/")
        if not slash or "/" in repo:
            raise InvalidInput("The source of a skill is written owner/repo", resource="the skill")
        parts = [path_segment(part, "skill") for part in (owner, repo, skill_id)]
        name = visible(skill_id, 60)
        return (await self._get("/api/skills/registry/" + "/".join(parts), f"skill {name}")).one(
            RegistrySkillDetail
        )

    async def docs(self, q: str | None = None) -> Rows[DocEntry]:
        """Return at most 100 documentation pages that match `q`, or 50 pages without `q`.

        The service's copy of the pages may be an hour old. Contract: library.md §6.2.
        """
        return (await self._get("/api/skills/vercel-docs", "the documentation", q=q)).rows(DocEntry, "docs")

    async def doc(self, path: str) -> DocPage:
        """Return one documentation page.

        `path` is the path of the page in the list that `docs` returns. Raises NotFound if there is no
        such page. Contract: library.md §6.2.
        """
        parts = [path_segment(part, "documentation page") for part in path.strip("/ ").split("/")]
        response = await self._get(
            "/api/skills/vercel-docs/" + "/".join(parts), f"documentation page {visible(path, 60)}"
        )
        return response.one(DocPage)
