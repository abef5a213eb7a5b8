"""Names of repositories and agents by id, because most rows carry only ids.

v1.md §1, §2; projects.md §3; library.md §3.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from mogplex_tui.api.errors import MogplexError
from mogplex_tui.api.route_access import Family, Reach
from mogplex_tui.live.freshness import CLOSED
from mogplex_tui.live.signals import Signal

if TYPE_CHECKING:
    from mogplex_tui.api.budget import Priority
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.repos import ImportedRepo
    from mogplex_tui.api.models.v1_catalogue import Repo
    from mogplex_tui.live.session import Session

log = logging.getLogger("mogplex.live")
PRESET = "preset:"


class Names:
    """Names of repositories, agents and automations by id.

    Hidden repositories are included if the credentials can list them. `changed` signals that a list
    of names was read; `missed` signals that a row has a repository id whose name is unknown.
    """

    def __init__(self) -> None:
        self.repos: dict[str, str] = {}
        # Directories of sub-projects, which share the name of their repository.
        self.roots: dict[str, str] = {}
        self.hidden: set[str] = set()
        self.agents: dict[str, str] = {}
        self.automations: dict[str, str] = {}
        self.changed: Signal[[]] = Signal()
        self.missed: Signal[[]] = Signal()
        # Names given by rows themselves, for ids that no readable list has.
        self._from_rows: dict[str, str] = {}
        # Ids without a name, and ids for which the whole list was searched.
        self._missing: set[str] = set()
        self._searched: set[str] = set()

    def take_repos(self, repos: Iterable[Repo | ImportedRepo]) -> None:
        """Store the names and directories of repositories, and which of them are hidden."""
        for repo in repos:
            self.repos[repo.id] = repo.full_name
            self._missing.discard(repo.id)
            if repo.root_directory:
                self.roots[repo.id] = repo.root_directory
            if getattr(repo, "is_hidden", False):
                self.hidden.add(repo.id)
            else:
                self.hidden.discard(repo.id)

    def learn(self, repo_id: str | None, full_name: str | None) -> None:
        """Store a repository's name that was found in a row and not in a list of names."""
        if repo_id and full_name:
            self._from_rows[repo_id] = full_name

    def learn_automations(self, names: Mapping[str, str]) -> None:
        """Store names of automations by id."""
        if not names.items() <= self.automations.items():
            self.automations.update(names)
            self.changed()

    def repo(self, repo_id: str | None) -> str | None:
        """Return the name of a repository, or None if it is not known.

        For an unknown name, `missed` is signalled so that the lists are read again.
        """
        if not repo_id:
            return None
        name = self.repos.get(repo_id) or self._from_rows.get(repo_id)
        if name is None and repo_id not in self._searched:
            self._missing.add(repo_id)
            self.missed()
        return name

    def agent(self, agent_id: str | None) -> str | None:
        """Return the name of an agent, or None if it is not known.

        For an agent preset, the name is derived from its id.
        """
        if not agent_id:
            return None
        return self.agents.get(agent_id) or (
            agent_id.removeprefix(PRESET) if agent_id.startswith(PRESET) else None
        )

    def visible_names(self) -> dict[str, str]:
        """Return a distinct name for each repository that is not hidden, by id.

        Repositories with the same name are distinguished by their directory, or else by the beginning
        of their id.
        """
        listed = {key: name for key, name in self.repos.items() if key not in self.hidden}
        called = {key: f"{name} {self.roots.get(key, '')}".strip() for key, name in listed.items()}
        name_counts = Counter(called.values())
        return {key: f"{name} {key[:8]}" if name_counts[name] > 1 else name for key, name in called.items()}

    def ids_to_look_up(self) -> frozenset[str]:
        """Return the ids without a name that were not looked up in the complete list yet."""
        return frozenset(self._missing - self._searched)

    def mark_looked_up(self) -> None:
        """Record that all ids without a name were looked up in the complete list."""
        self._searched |= self._missing


class NameErrors(NamedTuple):
    """The errors of reading the names of repositories and agents; None for no error."""

    repos: MogplexError | None
    agents: MogplexError | None


async def read_names(session: Session, priority: Priority, *, agents: bool = True) -> NameErrors:
    """Read the names of repositories and agents from the available lists.

    With a browser session the unversioned list of repositories is read, which costs no request of
    the token's budget and contains hidden repositories; otherwise the list of the token API is
    read. Errors are returned and not raised; rows then show ids in place of names.
    """
    client = session.client.at(priority)
    repos, roster = await asyncio.gather(
        _failure(_read_repos(session, client)), _failure(_read_agents(session, client) if agents else None)
    )
    session.names.changed()
    # The token API leaves out hidden repositories.
    if session.names.ids_to_look_up() and can_list_hidden(session):
        await read_hidden(session, priority)
    return NameErrors(repos, roster)


async def _failure(reading: Awaitable[None] | None) -> MogplexError | None:
    try:
        if reading is not None:
            await reading
    except MogplexError as error:
        return error
    return None


async def read_hidden(session: Session, priority: Priority) -> bool:
    """Read the list that includes hidden repositories; return whether this succeeded."""
    if not session.may_request(Family.REPOS):
        return False
    try:
        await _read_whole_list(session, session.client.at(priority))
    except MogplexError as error:
        log.info("hidden repositories were not read: %s", error)
        return False
    session.names.changed()
    return True


def can_list_hidden(session: Session) -> bool:
    """Return whether the list with hidden repositories can probably be read.

    Without a browser session, that requires a service that accepts tokens on unversioned routes.
    The service does so if it accepted the token on the route for calls.
    """
    takes_tokens = session.access.reach(Family.OBSERVABILITY).reach is Reach.OPEN
    return session.may_request(Family.REPOS) and (session.target.session_cookie is not None or takes_tokens)


async def _read_repos(session: Session, client: ClientView) -> None:
    target = session.target
    if target.session_cookie is not None and session.may_request(Family.REPOS):
        try:
            await _read_whole_list(session, client)
        except MogplexError as error:
            if target.token is None:
                raise
            log.info("the names of repositories are read over the token API: %s", error)
        else:
            if target.team is None:
                return
            # The list of a team lacks the repositories of the account itself (projects.md §2).
    if target.token is not None:
        session.names.take_repos(await client.repos.list())


async def _read_whole_list(session: Session, client: ClientView) -> None:
    session.names.take_repos(await client.imported_repos.list(show_hidden=True))
    session.names.mark_looked_up()


async def _read_agents(session: Session, client: ClientView) -> None:
    names = session.names.agents
    if session.target.token is not None:
        try:
            names.update({agent.id: agent.name for agent in await client.agents.list() if agent.name})
        except CLOSED:
            if not session.may_request(Family.AGENTS):
                raise
        else:
            return
    if session.may_request(Family.AGENTS):
        # The roster names every agent and, unlike the list, contains no prompts.
        names.update({agent.id: agent.name for agent in await client.agents.roster() if agent.name})
