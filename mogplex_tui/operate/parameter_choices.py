"""Choices for parameters, taken from the lists that the session has loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mogplex_tui.api.route_access import Family
from mogplex_tui.operate import model

if TYPE_CHECKING:
    from collections.abc import Callable

    from mogplex_tui.live.collection import Entry
    from mogplex_tui.live.session import Session
    from mogplex_tui.live.store import RowSet
    from mogplex_tui.operate.automation_rows import AutomationRow
    from mogplex_tui.operate.kinds.models import ModelRow
    from mogplex_tui.operate.kinds.projects import ProjectRow

ChoicePair = tuple[str, str]
"""The value of a choice that is sent, and the label that is shown."""


def _project_rows(session: Session) -> list[ProjectRow]:
    projects: RowSet[Entry[ProjectRow]] = session.store.set("projects")
    return [entry.row for entry in projects.rows.values() if entry.row is not None]


def repositories(session: Session, installation_id: int | None) -> list[ChoicePair]:
    """Return the id and name of each repository of an installation, sorted by name.

    The installation is one of the GitHub App. A repository whose installation is not known is
    included, because the service decides. Sub-projects of one repository have distinct names.
    """
    names = session.names.visible_names()
    for row in _project_rows(session):
        if row.installation_id not in (None, installation_id):
            names.pop(row.id, None)
    return sorted(names.items(), key=lambda pair: pair[1])


ANY_REPOSITORY = "any"
"""The choice that lets the service choose the repository."""


def repositories_to_run_in(session: Session, key: str) -> list[model.Choice]:
    """Return the repositories for which an automation can be started.

    Only the v1 route starts an automation for a chosen repository, and it takes only a token,
    which needs the write scope. Without such a token, the only choice is that the service
    chooses, because the browser session's route takes no repository (routing.md §3.11).
    """
    if (
        session.target.token is not None
        and session.may_request(Family.V1)
        and session.may_change(v1_only=True)
    ):
        automations: RowSet[Entry[AutomationRow]] = session.store.set("automations")
        automation = automations.rows.get(key)
        row = None if automation is None else automation.row
        choices = repositories(session, None if row is None else row.installation_id)
        return [model.Choice(*pair) for pair in choices]
    label = "any: the service chooses, for choosing takes a token with the write scope"
    return [model.Choice(ANY_REPOSITORY, label)]


def installed_repositories(session: Session, _: str) -> list[model.Choice]:
    """Return the repositories of all GitHub App installations, sorted by name.

    A choice's value is the installation's id and the repository's name.
    """
    choices = {
        model.Choice(f"{row.installation_id} {row.full_name}", row.full_name)
        for row in _project_rows(session)
        if row.installation_id is not None
    }
    return sorted(choices, key=lambda choice: choice.label)


def parse_installed_repository(text: str) -> tuple[int, str]:
    """Return the installation id and the repository name of a chosen value.

    Raises ValueError for any other text.
    """
    installation, _, name = text.partition(" ")
    if not installation.isdecimal() or not name:
        raise ValueError("Choose a repository that the GitHub App is installed for.")
    return int(installation), name


def repository_choices(session: Session, _: str) -> list[model.Choice]:
    """Return all repositories, sorted by name; sub-projects have distinct names."""
    names = sorted(session.names.visible_names().items(), key=lambda pair: pair[1])
    return [model.Choice(key, name) for key, name in names]


def agent_choices(session: Session, _: str) -> list[model.Choice]:
    """Return all agents, sorted by name."""
    names = sorted(session.names.agents.items(), key=lambda pair: pair[1].lower())
    return [model.Choice(key, name) for key, name in names]


def required_text(problem: str) -> Callable[[str], str]:
    """Return a parser that rejects an empty text with the sentence `problem`."""

    def parse(text: str) -> str:
        if not text.strip():
            raise ValueError(problem)
        return text.strip()

    return parse


def model_choices(session: Session, _: str) -> list[model.Choice]:
    """Return the models that are enabled and available, sorted by id.

    The result is empty until the list of models was read.
    """
    row_set: RowSet[Entry[ModelRow]] = session.store.set("models")
    rows = {key: entry.row for key, entry in sorted(row_set.rows.items()) if entry.row is not None}
    usable = {key: row for key, row in rows.items() if row.is_enabled and row.is_available}
    return [model.Choice(key, f"{row.name}  {key}") for key, row in usable.items()]
