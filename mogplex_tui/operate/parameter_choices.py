"""What a person may choose from before something is done, from what the console's lists hold; nothing is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mogplex_tui.api.access import Family
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
"""What is sent, and what it is called."""


def _project_rows(session: Session) -> list[ProjectRow]:
    projects: RowSet[Entry[ProjectRow]] = session.store.set("projects")
    return [entry.row for entry in projects.rows.values() if entry.row is not None]


def repositories(session: Session, installation_id: int | None) -> list[ChoicePair]:
    """Return the repositories by name that an installation of the GitHub App covers, sub-projects told apart.

    Where it is not known which one covers a repository, that is offered as well: the service decides.
    """
    names = session.names.visible_names()
    for row in _project_rows(session):
        if row.installation_id not in (None, installation_id):
            names.pop(row.id, None)
    return sorted(names.items(), key=lambda pair: pair[1])


ANY_REPOSITORY = "any"
"""The choice that leaves the repository to the service."""


def where_to_run(session: Session, key: str) -> list[model.Choice]:
    """Return the repositories that an automation can be started for.

    v1 takes tokens alone. The browser session's own route chooses the repository itself (routing.md §3.11): it is the
    one that is left where there is no token, where v1 refuses it, or where it lacks the write scope.
    """
    if session.target.token is not None and session.open(Family.V1) and session.may_change(v1_only=True):
        automations: RowSet[Entry[AutomationRow]] = session.store.set("automations")
        automation = automations.rows.get(key)
        row = None if automation is None else automation.row
        found = repositories(session, None if row is None else row.installation_id)
        return [model.Choice(*pair) for pair in found]
    label = "any: the service chooses, for choosing takes a token with the write scope"
    return [model.Choice(ANY_REPOSITORY, label)]


def installed_repositories(session: Session, _: str) -> list[model.Choice]:
    """Return the repositories by name that an installation of the GitHub App covers."""
    found = {
        model.Choice(f"{row.installation_id} {row.full_name}", row.full_name)
        for row in _project_rows(session)
        if row.installation_id is not None
    }
    return sorted(found, key=lambda choice: choice.label)


def installed_repository(text: str) -> tuple[int, str]:
    """Return the installation and the name of a chosen repository. Raises ValueError."""
    installation, _, name = text.partition(" ")
    if not installation.isdecimal() or not name:
        raise ValueError("Choose a repository that the GitHub App is installed for.")
    return int(installation), name


def repository_choices(session: Session, _: str) -> list[model.Choice]:
    """Return the repositories by name, for a parameter; those of the same name are told apart."""
    names = sorted(session.names.visible_names().items(), key=lambda pair: pair[1])
    return [model.Choice(key, name) for key, name in names]


def agent_choices(session: Session, _: str) -> list[model.Choice]:
    """Return the agents by name, for a parameter."""
    names = sorted(session.names.agents.items(), key=lambda pair: pair[1].lower())
    return [model.Choice(key, name) for key, name in names]


def needed(problem: str) -> Callable[[str], str]:
    """Return the parser of a text that must not be empty; `problem` is the sentence where it is."""

    def parse(text: str) -> str:
        if not text.strip():
            raise ValueError(problem)
        return text.strip()

    return parse


def model_choices(session: Session, _: str) -> list[model.Choice]:
    """Return the models by id that are enabled and not known to be out of reach; none before the list was read."""
    held: RowSet[Entry[ModelRow]] = session.store.set("models")
    rows = {key: entry.row for key, entry in sorted(held.rows.items()) if entry.row is not None}
    usable = {key: row for key, row in rows.items() if row.is_enabled and row.is_available}
    return [model.Choice(key, f"{row.name}  {key}") for key, row in usable.items()]
