"""The facade: `client.runs.get(run_id)`; one method is one request, at the priority of the view it is called
on.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from mogplex_tui.api.access import AccessMap
from mogplex_tui.api.budget import Budget, Priority
from mogplex_tui.api.clock import Clock, SystemClock
from mogplex_tui.api.connection_state import ConnectionMonitor
from mogplex_tui.api.target import Target
from mogplex_tui.api.transport import Request, Transport

if TYPE_CHECKING:
    import httpx

    from mogplex_tui.api.limiter import RequestLimiter
    from mogplex_tui.api.resources.account import AccountResource, SettingsResource
    from mogplex_tui.api.resources.agents import AgentsResource
    from mogplex_tui.api.resources.approvals import ApprovalsResource
    from mogplex_tui.api.resources.automations import AutomationsResource
    from mogplex_tui.api.resources.billing import BillingResource
    from mogplex_tui.api.resources.catalog import ModelsResource
    from mogplex_tui.api.resources.chat import ChatResource
    from mogplex_tui.api.resources.connections import ConnectionsResource
    from mogplex_tui.api.resources.conversations import ConversationsResource
    from mogplex_tui.api.resources.flows import FlowsResource
    from mogplex_tui.api.resources.github import GithubResource
    from mogplex_tui.api.resources.imported_repos import ImportedReposResource
    from mogplex_tui.api.resources.invites import InvitesResource
    from mogplex_tui.api.resources.keys import ApiKeysResource, ProviderKeysResource
    from mogplex_tui.api.resources.library import ReposResource
    from mogplex_tui.api.resources.mcp_endpoint import McpEndpointResource
    from mogplex_tui.api.resources.mcp_servers import McpServersResource
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
    from mogplex_tui.api.resources.slack import SlackResource
    from mogplex_tui.api.resources.teams import TeamsResource


R = TypeVar("R")


class _Family(Generic[R]):
    """The resource of one family, imported and made when a view is asked for it first.

    Nobody uses all families, and their models cost half as much as the HTTP library.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, view: None, owner: type) -> _Family[R]: ...

    @overload
    def __get__(self, view: ClientView, owner: type) -> R: ...

    def __get__(self, view: ClientView | None, owner: type) -> _Family[R] | R:
        if view is None:
            return self
        module, _, kind = self.where.partition(":")
        resource: type[Any] = getattr(import_module(f"mogplex_tui.api.resources.{module}"), kind)
        made: R = resource(view._transport, view.priority)
        # The next look-up finds it on the view and does not come here.
        vars(view)[self._name] = made
        return made


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
    def connection(self) -> ConnectionMonitor:
        """Whether the service answers, observable."""
        return self._transport.connection

    def at(self, priority: Priority) -> ClientView:
        """Return the same resources at another priority."""
        return ClientView(self._transport, priority)

    async def request(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: Any = None
    ) -> Any:
        """Send any request and return the JSON of a success; on the token API its `data`.

        A cursor, a page or an idempotency key is the caller's. Raises the error tree.
        """
        request = Request(method, path, f"{method} {path}", params=params or {}, body=body)
        return (await self._transport.request(request, self.priority)).data

    account: _Family[AccountResource] = _Family("account:AccountResource")
    """Who is signed in."""
    settings: _Family[SettingsResource] = _Family("account:SettingsResource")
    """The account's settings."""
    models: _Family[ModelsResource] = _Family("catalog:ModelsResource")
    """The models."""
    api_keys: _Family[ApiKeysResource] = _Family("keys:ApiKeysResource")
    """The account's API keys."""
    provider_keys: _Family[ProviderKeysResource] = _Family("keys:ProviderKeysResource")
    """The account's keys of model providers."""
    teams: _Family[TeamsResource] = _Family("teams:TeamsResource")
    """The teams: memberships, members, models, keys, installations, trail."""
    invites: _Family[InvitesResource] = _Family("invites:InvitesResource")
    """Invites to teams, sent and received."""
    billing: _Family[BillingResource] = _Family("billing:BillingResource")
    """Billing, and the pages to pay on."""
    repos: _Family[ReposResource] = _Family("library:ReposResource")
    """The repositories, as the token API lists them."""
    projects: _Family[ProjectsResource] = _Family("projects:ProjectsResource")
    """The projects, which the routes call workspaces."""
    imported_repos: _Family[ImportedReposResource] = _Family("imported_repos:ImportedReposResource")
    """The imported repositories with all their fields; sub-projects and snapshots."""
    repo_overrides: _Family[RepoOverridesResource] = _Family("repo_overrides:RepoOverridesResource")
    """Connections, models, rules and skills of one repository."""
    launch_presets: _Family[LaunchPresetsResource] = _Family("repo_parts:LaunchPresetsResource")
    """Launch presets of one repository."""
    repo_secrets: _Family[RepoSecretsResource] = _Family("repo_parts:RepoSecretsResource")
    """GitHub Actions secrets of one repository."""
    vercel_variables: _Family[VercelVariablesResource] = _Family("repo_parts:VercelVariablesResource")
    """Vercel variables of one repository; switched off on the service."""
    github: _Family[GithubResource] = _Family("github:GithubResource")
    """Installations, accounts, the sync and pull requests."""
    agents: _Family[AgentsResource] = _Family("agents:AgentsResource")
    """The agents, their roster and their categories."""
    skills: _Family[SkillsResource] = _Family("skills:SkillsResource")
    """The skills, the registry of others' and the documentation pages."""
    rules: _Family[RulesResource] = _Family("rules:RulesResource")
    """The rules for agents."""
    commands: _Family[CommandsResource] = _Family("rules:CommandsResource")
    """The saved slash commands."""
    memories: _Family[MemoriesResource] = _Family("memories:MemoriesResource")
    """The memories."""
    conversations: _Family[ConversationsResource] = _Family("conversations:ConversationsResource")
    """The stored chats."""
    assignments: _Family[AssignmentsResource] = _Family("routing:AssignmentsResource")
    """The assignments."""
    triggers: _Family[TriggersResource] = _Family("routing:TriggersResource")
    """The triggers."""
    flows: _Family[FlowsResource] = _Family("flows:FlowsResource")
    """The automations by the session's routes: all that the token API cannot do with them."""
    approvals: _Family[ApprovalsResource] = _Family("approvals:ApprovalsResource")
    """The questions to a human."""
    sandboxes: _Family[SandboxesResource] = _Family("sandboxes:SandboxesResource")
    """The sandboxes."""
    automations: _Family[AutomationsResource] = _Family("automations:AutomationsResource")
    """The automations and their runs."""
    runs: _Family[RunsResource] = _Family("runs:RunsResource")
    """The runs of the token API."""
    observability: _Family[ObservabilityResource] = _Family("observability:ObservabilityResource")
    """Stats, calls, events, tool calls and jobs."""
    mcp_servers: _Family[McpServersResource] = _Family("mcp_servers:McpServersResource")
    """The external MCP servers."""
    connections: _Family[ConnectionsResource] = _Family("connections:ConnectionsResource")
    """The connections."""
    slack: _Family[SlackResource] = _Family("slack:SlackResource")
    """The Slack workspaces and their channels."""
    chat: _Family[ChatResource] = _Family("chat:ChatResource")
    """Chats with a model."""
    mcp: _Family[McpEndpointResource] = _Family("mcp_endpoint:McpEndpointResource")
    """Mogplex as an MCP server."""
    realtime: _Family[RealtimeResource] = _Family("realtime:RealtimeResource")
    """The live connection."""


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
        limiter: RequestLimiter | None = None,
    ) -> None:
        clock = clock or SystemClock()
        transport = Transport(
            target,
            clock=clock,
            budget=budget or Budget(clock),
            access=access or AccessMap(clock),
            http=http,
            limiter=limiter,
        )
        super().__init__(transport, Priority.TABLE)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()

    async def __aenter__(self) -> MogplexClient:
        return self

    async def __aexit__(self, *exc: Any) -> None:
        await self.aclose()
