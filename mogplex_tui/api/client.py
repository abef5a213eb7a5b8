"""The client of the Mogplex API: `client.runs.get(run_id)` sends one request."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from mogplex_tui.api.budget import Budget, Priority
from mogplex_tui.api.clock import Clock, SystemClock
from mogplex_tui.api.connection_state import ConnectionMonitor
from mogplex_tui.api.route_access import AccessMap
from mogplex_tui.api.target import Target
from mogplex_tui.api.transport import Request, Transport

if TYPE_CHECKING:
    import httpx

    from mogplex_tui.api.failure_throttle import RequestLimiter
    from mogplex_tui.api.resources.account import AccountResource, SettingsResource
    from mogplex_tui.api.resources.agents import AgentsResource
    from mogplex_tui.api.resources.approvals import ApprovalsResource
    from mogplex_tui.api.resources.assignments_and_triggers import AssignmentsResource, TriggersResource
    from mogplex_tui.api.resources.automations import AutomationsResource
    from mogplex_tui.api.resources.billing import BillingResource
    from mogplex_tui.api.resources.chat import ChatResource
    from mogplex_tui.api.resources.connections import ConnectionsResource
    from mogplex_tui.api.resources.conversations import ConversationsResource
    from mogplex_tui.api.resources.flows import FlowsResource
    from mogplex_tui.api.resources.github import GithubResource
    from mogplex_tui.api.resources.imported_repos import ImportedReposResource
    from mogplex_tui.api.resources.invites import InvitesResource
    from mogplex_tui.api.resources.keys import ApiKeysResource, ProviderKeysResource
    from mogplex_tui.api.resources.mcp_endpoint import McpEndpointResource
    from mogplex_tui.api.resources.mcp_servers import McpServersResource
    from mogplex_tui.api.resources.memories import MemoriesResource
    from mogplex_tui.api.resources.model_catalog import ModelsResource
    from mogplex_tui.api.resources.observability import ObservabilityResource
    from mogplex_tui.api.resources.projects import ProjectsResource
    from mogplex_tui.api.resources.realtime import RealtimeResource
    from mogplex_tui.api.resources.repo_overrides import RepoOverridesResource
    from mogplex_tui.api.resources.repo_settings import (
        LaunchPresetsResource,
        RepoSecretsResource,
        VercelVariablesResource,
    )
    from mogplex_tui.api.resources.rules_and_commands import CommandsResource, RulesResource
    from mogplex_tui.api.resources.runs import RunsResource
    from mogplex_tui.api.resources.sandboxes import SandboxesResource
    from mogplex_tui.api.resources.skills import SkillsResource
    from mogplex_tui.api.resources.slack import SlackResource
    from mogplex_tui.api.resources.teams import TeamsResource
    from mogplex_tui.api.resources.v1_repos import ReposResource


R = TypeVar("R")


class _LazyResource(Generic[R]):
    """Descriptor that imports and creates a resource when it is first used.

    A resource serves one route family. Importing all models takes half as long as importing the
    HTTP library, and no program uses all families.
    """

    def __init__(self, import_path: str) -> None:
        self.import_path = import_path
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, view: None, owner: type) -> _LazyResource[R]: ...

    @overload
    def __get__(self, view: ClientView, owner: type) -> R: ...

    def __get__(self, view: ClientView | None, owner: type) -> _LazyResource[R] | R:
        if view is None:
            return self
        module, _, kind = self.import_path.partition(":")
        resource: type[Any] = getattr(import_module(f"mogplex_tui.api.resources.{module}"), kind)
        created: R = resource(view._transport, view.priority)
        # Store the resource on the view, so that later look-ups do not come here.
        vars(view)[self._name] = created
        return created


class ClientView:
    """The resources of one context, which send their requests at one priority.

    Requests that change something are an exception: their priority is always ACTION.
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
        """The request budget of the token.

        It notifies its subscribers of changes.
        """
        return self._transport.budget

    @property
    def access(self) -> AccessMap:
        """The map of the access that the credentials give to each route family.

        It notifies its subscribers of changes.
        """
        return self._transport.access

    @property
    def connection(self) -> ConnectionMonitor:
        """The monitor that tracks whether the service responds.

        It notifies its subscribers of changes.
        """
        return self._transport.connection

    def at(self, priority: Priority) -> ClientView:
        """Return a view of the same context whose requests are sent at another priority."""
        return ClientView(self._transport, priority)

    async def request(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: Any = None
    ) -> Any:
        """Send a request to any route and return the JSON of a successful response.

        For a v1 route the result is the `data` of the envelope. Cursors, page numbers and idempotency
        keys are not added: the caller must pass them. Raises an error of `api.errors` if the request
        fails.
        """
        request = Request(method, path, f"{method} {path}", params=params or {}, body=body)
        return (await self._transport.request(request, self.priority)).data

    account: _LazyResource[AccountResource] = _LazyResource("account:AccountResource")
    """The signed-in account."""
    settings: _LazyResource[SettingsResource] = _LazyResource("account:SettingsResource")
    """The account's settings."""
    models: _LazyResource[ModelsResource] = _LazyResource("model_catalog:ModelsResource")
    """The catalogue of models."""
    api_keys: _LazyResource[ApiKeysResource] = _LazyResource("keys:ApiKeysResource")
    """The account's API keys."""
    provider_keys: _LazyResource[ProviderKeysResource] = _LazyResource("keys:ProviderKeysResource")
    """The account's keys of model providers."""
    teams: _LazyResource[TeamsResource] = _LazyResource("teams:TeamsResource")
    """Teams: memberships, members, models, keys, installations, audit log."""
    invites: _LazyResource[InvitesResource] = _LazyResource("invites:InvitesResource")
    """Invites to teams, sent and received."""
    billing: _LazyResource[BillingResource] = _LazyResource("billing:BillingResource")
    """Billing and payment pages."""
    repos: _LazyResource[ReposResource] = _LazyResource("v1_repos:ReposResource")
    """The repositories, over the token API."""
    projects: _LazyResource[ProjectsResource] = _LazyResource("projects:ProjectsResource")
    """Projects, called workspaces in the routes."""
    imported_repos: _LazyResource[ImportedReposResource] = _LazyResource(
        "imported_repos:ImportedReposResource"
    )
    """The imported repositories with all their fields, sub-projects and snapshots."""
    repo_overrides: _LazyResource[RepoOverridesResource] = _LazyResource(
        "repo_overrides:RepoOverridesResource"
    )
    """Connections, models, rules and skills of one repository."""
    launch_presets: _LazyResource[LaunchPresetsResource] = _LazyResource(
        "repo_settings:LaunchPresetsResource"
    )
    """Launch presets of one repository."""
    repo_secrets: _LazyResource[RepoSecretsResource] = _LazyResource("repo_settings:RepoSecretsResource")
    """GitHub Actions secrets of one repository."""
    vercel_variables: _LazyResource[VercelVariablesResource] = _LazyResource(
        "repo_settings:VercelVariablesResource"
    )
    """Vercel variables of one repository, which the service has switched off."""
    github: _LazyResource[GithubResource] = _LazyResource("github:GithubResource")
    """GitHub installations, accounts, repository sync and pull requests."""
    agents: _LazyResource[AgentsResource] = _LazyResource("agents:AgentsResource")
    """Agents, their activity and their categories."""
    skills: _LazyResource[SkillsResource] = _LazyResource("skills:SkillsResource")
    """Skills, the public skill registry and the documentation pages."""
    rules: _LazyResource[RulesResource] = _LazyResource("rules_and_commands:RulesResource")
    """Rules for agents."""
    commands: _LazyResource[CommandsResource] = _LazyResource("rules_and_commands:CommandsResource")
    """Stored slash commands."""
    memories: _LazyResource[MemoriesResource] = _LazyResource("memories:MemoriesResource")
    """Memories of agents."""
    conversations: _LazyResource[ConversationsResource] = _LazyResource("conversations:ConversationsResource")
    """Stored conversations."""
    assignments: _LazyResource[AssignmentsResource] = _LazyResource(
        "assignments_and_triggers:AssignmentsResource"
    )
    """Assignments of agents to repositories."""
    triggers: _LazyResource[TriggersResource] = _LazyResource("assignments_and_triggers:TriggersResource")
    """Triggers, which start agents on GitHub events."""
    flows: _LazyResource[FlowsResource] = _LazyResource("flows:FlowsResource")
    """Automations over the unversioned routes, which can do more than the token API."""
    approvals: _LazyResource[ApprovalsResource] = _LazyResource("approvals:ApprovalsResource")
    """Approvals for which automations and the orchestrator wait."""
    sandboxes: _LazyResource[SandboxesResource] = _LazyResource("sandboxes:SandboxesResource")
    """Sandboxes."""
    automations: _LazyResource[AutomationsResource] = _LazyResource("automations:AutomationsResource")
    """Automations and their runs, over the token API."""
    runs: _LazyResource[RunsResource] = _LazyResource("runs:RunsResource")
    """Runs of coding CLIs, over the token API."""
    observability: _LazyResource[ObservabilityResource] = _LazyResource("observability:ObservabilityResource")
    """Stats, calls, events, tool calls, jobs and the dispatch log."""
    mcp_servers: _LazyResource[McpServersResource] = _LazyResource("mcp_servers:McpServersResource")
    """MCP servers that the account has configured."""
    connections: _LazyResource[ConnectionsResource] = _LazyResource("connections:ConnectionsResource")
    """Connections of the account to other services."""
    slack: _LazyResource[SlackResource] = _LazyResource("slack:SlackResource")
    """Slack workspaces and their channels."""
    chat: _LazyResource[ChatResource] = _LazyResource("chat:ChatResource")
    """Chats with a model."""
    mcp: _LazyResource[McpEndpointResource] = _LazyResource("mcp_endpoint:McpEndpointResource")
    """Mogplex's own MCP server."""
    realtime: _LazyResource[RealtimeResource] = _LazyResource("realtime:RealtimeResource")
    """The stream that announces in which tables rows have changed."""


class MogplexClient(ClientView):
    """The client of one context.

    Each method of its resources sends one request, and raises an error of `mogplex_tui.api.errors`
    if the request fails. Any request may raise NotSignedIn, LoginRequired, NotAllowed, Throttled,
    Unreachable and similar errors; the docstrings of the methods do not repeat them. The client does
    not retry failed requests, and it caches nothing. It opens connections when they are needed;
    close it with `aclose()` or use it as an async context manager.
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
        """Close all connections."""
        await self._transport.aclose()

    async def __aenter__(self) -> MogplexClient:
        return self

    async def __aexit__(self, *exc: Any) -> None:
        await self.aclose()
