"""Projects, the active team's when the context has one (projects.md §5). Hosted: browser session alone."""

from __future__ import annotations

from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.models.projects import NewRepository, Project, ProjectDraft, ProjectUpdate
from mogplex_tui.api.models.repos import BareRepo
from mogplex_tui.api.request_rules import path_id
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.safe_text import short_id

_PROJECTS = "/api/workspaces"


class ProjectsResource(Resource):
    """`/api/workspaces`: what people call projects, named groups of repositories with shared sandbox times."""

    async def list(self) -> Rows[Project]:
        """Return the default project, if there is one yet, then the others by age."""
        return (await self._get(_PROJECTS, "the projects")).rows(Project)

    async def create(self, draft: ProjectDraft) -> Project:
        """Make a project; raises Conflict for a name that is taken, in whatever case."""
        response = await self._change("POST", _PROJECTS, f"project {draft.name}", body=draft.body())
        return response.one(Project)

    async def update(self, project_id: str, change: ProjectUpdate) -> Project:
        """Change what is set; raises NotFound, or Conflict for a name that is taken."""
        path, about = _project(project_id)
        return (await self._change("PATCH", path, about, body=change.set_fields())).one(Project)

    async def delete(self, project_id: str) -> None:
        """Delete a project; raises Conflict for the default one and for one with repositories."""
        path, about = _project(project_id)
        await self._change("DELETE", path, about)

    async def create_repository(self, project_id: str, new: NewRepository) -> BareRepo | None:
        """Make a repository on GitHub and import it; None when it landed in another project.

        Raises Conflict or NotAllowed in GitHub's words, BadRequest without a GitHub sign-in.
        """
        path, about = _project(project_id)
        response = await self._change("POST", f"{path}/repos", about, body=new.body(), extra_wait=60)
        return None if response.data is None else response.one(BareRepo)


def _project(project_id: str) -> tuple[str, str]:
    record = path_id(project_id, "project")
    return f"{_PROJECTS}/{record}", f"project {short_id(record)}"
