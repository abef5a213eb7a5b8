"""The facade: `client.runs.get(run_id)`; one method is one request, at the priority of the view it is called
on.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import AccessMap
from mogplex_tui.api.budget import Budget, Priority
from mogplex_tui.api.clock import Clock, SystemClock
from mogplex_tui.api.connection import Connection
from mogplex_tui.api.resources.account import AccountResource, SettingsResource
from mogplex_tui.api.resources.agents import AgentsResource
from mogplex_tui.api.resources.approvals import ApprovalsResource
from mogplex_tui.api.resources.automations import AutomationsResource
from mogplex_tui.api.resources.billing import BillingResource
from mogplex_tui.api.resources.catalog import ModelsResource
from mogplex_tui.api.resources.conversations import ConversationsResource
from mogplex_tui.api.resources.flows import FlowsResource
from mogplex_tui.api.resources.github import GithubResource
from mogplex_tui.api.resources.imported_repos import ImportedReposResource
from mogplex_tui.api.resources.invites import InvitesResource
from mogplex_tui.api.resources.keys import ApiKeysResource, ProviderKeysResource
from mogplex_tui.api.resources.library import ReposResource
from mogplex_tui.api.resources.memories import MemoriesResource
from mogplex_tui.api.resources.observability import ObservabilityResource
from mogplex_tui.api.resources.projects import ProjectsResource
from mogplex_tui.api.resources.realtime import RealtimeResource
from mogplex_tui.api.resources.repo_overrides import RepoOverridesResource
from mogplex_tui.api.resources.repo_parts import (
    LaunchPresetsResource,
    RepoSecretsResource,
    VercelVariablesResource,
)
from mogplex_tui.api.resources.routing import AssignmentsResource, TriggersResource
from mogplex_tui.api.resources.rules import CommandsResource, RulesResource
from mogplex_tui.api.resources.runs import RunsResource
from mogplex_tui.api.resources.sandboxes import SandboxesResource
from mogplex_tui.api.resources.skills import SkillsResource
from mogplex_tui.api.resources.teams import TeamsResource
from mogplex_tui.api.target import Target
from mogplex_tui.api.transport import Transport

if TYPE_CHECKING:
    import httpx


class ClientView:
    """All resources of one context at one priority; whatever changes something goes out as an action
    anyway.
    """

    def __init__(self, transport: Transport, priority: Priority) -> None:
        self._transport = transport
        self.priority = priority

    @property
    def target(self) -> Target:
        """The service and the credentials of this context."""
        return self._transport.target

    @property
    def budget(self) -> Budget:
        """The token's request budget, observable."""
        return self._transport.budget

    @property
    def access(self) -> AccessMap:
        """What each family of routes answers to this credential, observable."""
        return self._transport.access

    @property
    def connection(self) -> Connection:
        """Whether the service answers, observable."""
        return self._transport.connection

    def at(self, priority: Priority) -> ClientView:
        """Return the same resources at another priority."""
        return ClientView(self._transport, priority)

    @cached_property
    def account(self) -> AccountResource:
        """Who is signed in."""
        return AccountResource(self._transport, self.priority)

    @cached_property
    def settings(self) -> SettingsResource:
        """The account's settings."""
        return SettingsResource(self._transport, self.priority)

    @cached_property
    def models(self) -> ModelsResource:
        """The models."""
        return ModelsResource(self._transport, self.priority)

    @cached_property
    def api_keys(self) -> ApiKeysResource:
        """The account's API keys."""
        return ApiKeysResource(self._transport, self.priority)

    @cached_property
    def provider_keys(self) -> ProviderKeysResource:
        """The account's keys of model providers."""
        return ProviderKeysResource(self._transport, self.priority)

    @cached_property
    def teams(self) -> TeamsResource:
        """The teams: memberships, members, models, keys, installations, trail."""
        return TeamsResource(self._transport, self.priority)

    @cached_property
    def invites(self) -> InvitesResource:
        """Invites to teams, sent and received."""
        return InvitesResource(self._transport, self.priority)

    @cached_property
    def billing(self) -> BillingResource:
        """Billing, and the pages to pay on."""
        return BillingResource(self._transport, self.priority)

    @cached_property
    def repos(self) -> ReposResource:
        """The repositories, as the token API lists them."""
        return ReposResource(self._transport, self.priority)

    @cached_property
    def projects(self) -> ProjectsResource:
        """The projects, which the routes call workspaces."""
        return ProjectsResource(self._transport, self.priority)

    @cached_property
    def imported_repos(self) -> ImportedReposResource:
        """The imported repositories with all their fields; sub-projects and snapshots."""
        return ImportedReposResource(self._transport, self.priority)

    @cached_property
    def repo_overrides(self) -> RepoOverridesResource:
        """Connections, models, rules and skills of one repository."""
        return RepoOverridesResource(self._transport, self.priority)

    @cached_property
    def launch_presets(self) -> LaunchPresetsResource:
        """Launch presets of one repository."""
        return LaunchPresetsResource(self._transport, self.priority)

    @cached_property
    def repo_secrets(self) -> RepoSecretsResource:
        """GitHub Actions secrets of one repository."""
        return RepoSecretsResource(self._transport, self.priority)

    @cached_property
    def vercel_variables(self) -> VercelVariablesResource:
        """Vercel variables of one repository; switched off on the service."""
        return VercelVariablesResource(self._transport, self.priority)

    @cached_property
    def github(self) -> GithubResource:
        """Installations, accounts, the sync and pull requests."""
        return GithubResource(self._transport, self.priority)

    @cached_property
    def agents(self) -> AgentsResource:
        """The agents, their roster and their categories."""
        return AgentsResource(self._transport, self.priority)

    @cached_property
    def skills(self) -> SkillsResource:
        """The skills, the registry of others' and the documentation pages."""
        return SkillsResource(self._transport, self.priority)

    @cached_property
    def rules(self) -> RulesResource:
        """The rules for agents."""
        return RulesResource(self._transport, self.priority)

    @cached_property
    def commands(self) -> CommandsResource:
        """The saved slash commands."""
        return CommandsResource(self._transport, self.priority)

    @cached_property
    def memories(self) -> MemoriesResource:
        """The memories."""
        return MemoriesResource(self._transport, self.priority)

    @cached_property
    def conversations(self) -> ConversationsResource:
        """The stored chats."""
        return ConversationsResource(self._transport, self.priority)

    @cached_property
    def assignments(self) -> AssignmentsResource:
        """The assignments."""
        return AssignmentsResource(self._transport, self.priority)

    @cached_property
    def triggers(self) -> TriggersResource:
        """The triggers."""
        return TriggersResource(self._transport, self.priority)

    @cached_property
    def flows(self) -> FlowsResource:
        """The automations by the session's routes: all that the token API cannot do with them."""
        return FlowsResource(self._transport, self.priority)

    @cached_property
    def approvals(self) -> ApprovalsResource:
        """The questions to a human."""
        return ApprovalsResource(self._transport, self.priority)

    @cached_property
    def sandboxes(self) -> SandboxesResource:
        """The sandboxes."""
        return SandboxesResource(self._transport, self.priority)

    @cached_property
    def automations(self) -> AutomationsResource:
        """The automations and their runs."""
        return AutomationsResource(self._transport, self.priority)

    @cached_property
    def runs(self) -> RunsResource:
        """The runs of the token API."""
        return RunsResource(self._transport, self.priority)

    @cached_property
    def observability(self) -> ObservabilityResource:
        """Stats, calls, events, tool calls and jobs."""
        return ObservabilityResource(self._transport, self.priority)

    @cached_property
    def realtime(self) -> RealtimeResource:
        """The live connection."""
        return RealtimeResource(self._transport, self.priority)


class MogplexClient(ClientView):
    """The client of one context; it opens connections when they are needed and must be closed.

    Use it as an async context manager or call `aclose()`. It never sleeps, repeats or remembers an answer.
    """

    def __init__(
        self,
        target: Target,
        *,
        clock: Clock | None = None,
        budget: Budget | None = None,
        access: AccessMap | None = None,
        http: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        clock = clock or SystemClock()
        transport = Transport(
            target,
            clock=clock,
            budget=budget or Budget(clock),
            access=access or AccessMap(clock),
            http=http,
        )
        super().__init__(transport, Priority.TABLE)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()

    async def __aenter__(self) -> MogplexClient:
        return self

    async def __aexit__(self, *exc: Any) -> None:
        await self.aclose()
