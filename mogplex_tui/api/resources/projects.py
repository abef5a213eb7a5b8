"""Projects of the account or of the active team."""

from __future__ import annotations

from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.models.projects import NewRepository, Project, ProjectDraft, ProjectUpdate
from mogplex_tui.api.models.repos import RepoRecord
from mogplex_tui.api.request_checks import path_id
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.safe_text import short_id

_PROJECTS = "/api/workspaces"


class ProjectsResource(Resource):
    """Projects, which are named groups of repositories, at `/api/workspaces`.

    All repositories of a project have the same limits on sandboxes. The hosted service accepts only
    a session cookie on these routes. Contract: projects.md §5.
    """

    async def list(self) -> Rows[Project]:
        """Return all projects: the default project, if there is one, then the others.

        The oldest of the others comes first.
        """
        return (await self._get(_PROJECTS, "the projects")).rows(Project)

    async def create(self, draft: ProjectDraft) -> Project:
        """Create a project and return it.

        Raises Conflict if a project has the same name, which is compared without regard to case.
        """
        response = await self._change("POST", _PROJECTS, f"project {draft.name}", body=draft.body())
        return response.one(Project)

    async def update(self, project_id: str, change: ProjectUpdate) -> Project:
        """Change the given fields of a project, and return it.

        Raises NotFound if there is no such project, and Conflict if another project has the name.
        """
        path, resource = _project(project_id)
        return (await self._change("PATCH", path, resource, body=change.set_fields())).one(Project)

    async def delete(self, project_id: str) -> None:
        """Delete a project.

        Raises Conflict for the default project and for a project that has repositories.
        """
        path, resource = _project(project_id)
        await self._change("DELETE", path, resource)

    async def create_repository(self, project_id: str, new: NewRepository) -> RepoRecord | None:
        """Create a repository on GitHub, import it into a project and return it.

        Returns None if the service has imported the repository into another project. Raises Conflict or
        NotAllowed with GitHub's message, and BadRequest if the account has no GitHub sign-in.
        """
        path, resource = _project(project_id)
        response = await self._change("POST", f"{path}/repos", resource, body=new.body(), extra_wait=60)
        return None if response.data is None else response.one(RepoRecord)


def _project(project_id: str) -> tuple[str, str]:
    record = path_id(project_id, "project")
    return f"{_PROJECTS}/{record}", f"project {short_id(record)}"
