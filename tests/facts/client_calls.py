"""A call of every client method with harmless arguments.

The route table and the tests are made from this list. `CALLS` maps `family.method` to its arguments. A method that is
missing here fails a test.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing
from inspect import isawaitable
from typing import Any

from mogplex_tui.api.client import ClientView, MogplexClient, _LazyResource
from mogplex_tui.api.models import (
    agents,
    assignments_and_triggers,
    automation_requests,
    billing,
    chat,
    connections,
    conversations,
    flows,
    keys,
    mcp_endpoint,
    mcp_servers,
    memories,
    projects,
    repo_settings,
    repos,
    rules_and_commands,
    runs,
    sandbox_requests,
    skills,
    slack,
    vercel_variables,
)
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.config.secret import Secret

NOBODY = "00000000-0000-4000-8000-000000000000"
"""An id that nothing has; in the path of a request it stands for a parameter."""
TOKEN = "invite-token"
NUMBER = 88
PARAMETERS = (NOBODY, TOKEN, str(NUMBER))

X = NOBODY
_PNG = b"\x89PNG\r\n\x1a\n"
_VARIABLE = vercel_variables.VariableDraft(key="A", value=Secret("x"))
_PRESET = repo_settings.LaunchPresetDraft(name="p", base_branch="main", working_branch="main")
_LAUNCH = sandbox_requests.LaunchDraft(repo_id=X)
_COMMAND = sandbox_requests.CommandDraft(command="ls")
_HARNESS = sandbox_requests.HarnessDraft(harness="codex", prompt="x")
_PRESENCE = sandbox_requests.PresenceReport(event="attach", tab_id="t", session_id="s")
_CHAT = chat.ChatDraft(messages=[chat.ChatMessage.from_text("m", "Hi")])
_TOOL = mcp_endpoint.ToolCall(name="t")
_ASSIGNMENT = assignments_and_triggers.AssignmentDraft(
    repo_id=X, agent_id=X, type=assignments_and_triggers.AssignmentType.CRON
)
_TRIGGER = assignments_and_triggers.TriggerDraft(
    installation_id=1, agent_id=X, event=assignments_and_triggers.TriggerEvent.PUSH
)
_TOP_UP = billing.TopUp(amount_cents=1000, attempt_id=X)

NO_REQUEST = {
    "connections.sign_in_address": "an address to open in a browser",
    "models.icon_url": "the address of a picture, which may lie elsewhere",
    "slack.install_address": "an address to open in a browser",
}
"""Methods that send nothing, and what they return instead."""

CALLS: dict[str, tuple[Any, ...]] = {
    # identity.md
    "account.user": (),
    "settings.get": (),
    "settings.update": (),
    "api_keys.list": (),
    "api_keys.create": (keys.ApiKeyDraft(name="k"),),
    "api_keys.revoke": (X,),
    "provider_keys.list": (),
    "provider_keys.put": ("openai", "k"),
    "provider_keys.delete": ("openai",),
    "provider_keys.verify": ("openai",),
    "models.list": (),
    "models.for_cli": (),
    "models.set_enabled": ("a/b", True),
    "models.new": (),
    "models.dismiss_new": (),
    "models.disable_new": (),
    "models.set_auto_enable": (True,),
    "models.provider_icons": (),
    "teams.memberships": (),
    "teams.create": ("T", "t"),
    "teams.check_slug": ("t",),
    "teams.members": (X,),
    "teams.set_role": (X, X, "viewer"),
    "teams.remove_member": (X, X),
    "teams.models": (X,),
    "teams.allow_models": (X, None),
    "teams.keys": (X,),
    "teams.put_key": (X, "openai", "k"),
    "teams.delete_key": (X, "openai"),
    "teams.audit": (X,),
    "teams.set_icon": (X, _PNG),
    "teams.remove_icon": (X,),
    "teams.installations": (X,),
    "teams.attach_installation": (X, NUMBER),
    "teams.detach_installation": (X, NUMBER),
    "teams.transfer_ownership": (X, X),
    "invites.send": (X, "a@b.c", "viewer"),
    "invites.send_many": (X, ["a@b.c"], "viewer"),
    "invites.resend": (X, X),
    "invites.revoke": (X, X),
    "invites.read": (TOKEN,),
    "invites.accept": (TOKEN,),
    "billing.get": (),
    "billing.subscribe": (billing.Subscription(plan="p"),),
    "billing.top_up": (_TOP_UP,),
    "billing.portal": (),
    "billing.set_vercel_project": ("prj",),
    "billing.clear_vercel_project": (),
    # projects.md
    "imported_repos.list": (),
    "imported_repos.get": (X,),
    "imported_repos.add": (repos.RepoDraft(full_name="a/b"),),
    "imported_repos.update": (X, repos.RepoUpdate(is_hidden=True)),
    "imported_repos.delete": (X,),
    "imported_repos.packages": (X,),
    "imported_repos.add_subproject": (X, "apps/web"),
    "imported_repos.snapshot": (X,),
    "imported_repos.build_snapshot": (X,),
    "imported_repos.delete_snapshot": (X,),
    "repo_overrides.connections": (X,),
    "repo_overrides.exclude_connection": (X, X),
    "repo_overrides.drop_connection_override": (X, X),
    "repo_overrides.models": (X,),
    "repo_overrides.exclude_model": (X, "a/b"),
    "repo_overrides.rules": (X,),
    "repo_overrides.exclude_rule": (X, X),
    "repo_overrides.add_rule": (X, "n"),
    "repo_overrides.drop_rule_override": (X, X),
    "repo_overrides.skills": (X,),
    "repo_overrides.exclude_skill": (X, X),
    "repo_overrides.add_skill": (X, "n"),
    "repo_overrides.drop_skill_override": (X, X),
    "launch_presets.list": (X,),
    "launch_presets.save": (X, _PRESET),
    "launch_presets.delete": (X, X),
    "repo_secrets.list": (X,),
    "repo_secrets.put": (X, "A", "x"),
    "repo_secrets.delete": (X, "A"),
    "vercel_variables.list": (X,),
    "vercel_variables.add": (X, _VARIABLE),
    "vercel_variables.update": (X, "env", "x", ["preview"]),
    "vercel_variables.delete": (X, "env"),
    "projects.list": (),
    "projects.create": (projects.ProjectDraft(name="p"),),
    "projects.update": (X, projects.ProjectUpdate(name="p")),
    "projects.delete": (X,),
    "projects.create_repository": (X, projects.NewRepository(name="r")),
    "github.installations": (),
    "github.org_members": (NUMBER,),
    "github.owners": (),
    "github.sync": (),
    "github.pulls": (X,),
    # library.md
    "agents.list": (),
    "agents.all": (),
    "agents.create": (agents.AgentDraft(name="n", model="a/b", category="api"),),
    "agents.update": (X, agents.AgentChange(name="n")),
    "agents.delete": (X,),
    "agents.generate": (agents.AgentGeneration(description="d"),),
    "agents.roster": (),
    "agents.activity": (),
    "agents.categories": (),
    "agents.add_category": ("l",),
    "agents.delete_category": (X,),
    "skills.list": (),
    "skills.create": (skills.SkillDraft(name="n", content="c"),),
    "skills.update": (X, skills.SkillChange(name="n")),
    "skills.delete": (X,),
    "skills.registry": (),
    "skills.registry_skill": (f"{X}/{X}", X),
    "skills.docs": (),
    "skills.doc": (X,),
    "rules.list": (),
    "rules.create": (rules_and_commands.RuleDraft(name="n"),),
    "rules.update": (X, rules_and_commands.RuleChange(name="n")),
    "rules.delete": (X,),
    "commands.list": (),
    "commands.create": (rules_and_commands.CommandDraft(name="n", template="t"),),
    "commands.delete": (X,),
    "memories.lanes": (),
    "memories.list": (memories.Lane.SESSION,),
    "memories.search": ("q",),
    "memories.add": (memories.MemoryDraft(lane="session", content="c"),),
    "memories.edit": (X, "c"),
    "memories.delete": (X,),
    "memories.compact": (),
    "memories.checkpoint": (),
    "conversations.list": (),
    "conversations.get": (X,),
    "conversations.save": (conversations.ConversationSave(id=X),),
    "conversations.delete": (X,),
    "connections.list": (),
    "connections.create": (connections.PresetDraft(source_preset="notion"),),
    "connections.set_enabled": (X, True),
    "connections.delete": (X,),
    "connections.test": (X,),
    "mcp_servers.list": (),
    "mcp_servers.configured": (),
    "mcp_servers.configured_by_token": (),
    "mcp_servers.create": (mcp_servers.McpServerDraft(name="n", transport="stdio", command="c"),),
    "mcp_servers.get": (X,),
    "mcp_servers.update": (X, mcp_servers.McpServerUpdate(enabled=True)),
    "mcp_servers.delete": (X,),
    "chat.ask": (_CHAT,),
    "slack.workspaces": (),
    "slack.change_policy": (X, slack.SlackPolicy(repo_agent_enabled=True)),
    "slack.disconnect": (X,),
    "slack.channels": (X,),
    "slack.links": (X,),
    "slack.link": (X, slack.SlackLinkDraft(channel_id="C", repo_id=X)),
    "slack.unlink": (X, X),
    # routing.md
    "assignments.list": (),
    "assignments.create": (_ASSIGNMENT,),
    "assignments.update": (X, assignments_and_triggers.AssignmentChange(enabled=True)),
    "assignments.delete": (X,),
    "triggers.list": (),
    "triggers.create": (_TRIGGER,),
    "triggers.update": (X, assignments_and_triggers.TriggerChange(enabled=True)),
    "triggers.delete": (X,),
    "flows.list": (),
    "flows.create": (flows.FlowDraft(installation_id=1),),
    "flows.get": (X,),
    "flows.update": (X, flows.FlowChange(name="n")),
    "flows.set_active": (X, True),
    "flows.delete": (X,),
    "flows.duplicate": (X,),
    "flows.publish": (X,),
    "flows.webhook_secret": (X,),
    "flows.test": (X,),
    "flows.runs": (X,),
    "flows.run": (X, X),
    "flows.templates": (),
    "flows.save_template": (flows.TemplateDraft(flow_id=X),),
    "flows.delete_template": (X,),
    "flows.harnesses": (),
    "flows.sandbox_test": (X,),
    "approvals.flow_approvals": (),
    "approvals.answer_flow": (X, "deny"),
    "approvals.control_approvals": (),
    "approvals.answer_control": (X, "deny"),
    # sandboxes.md
    "sandboxes.records": (),
    "sandboxes.active": (),
    "sandboxes.launch": (_LAUNCH,),
    "sandboxes.get": (X,),
    "sandboxes.delete": (X,),
    "sandboxes.stop": (X,),
    "sandboxes.pause": (X,),
    "sandboxes.resume": (X,),
    "sandboxes.restart": (X,),
    "sandboxes.extend": (X, 30),
    "sandboxes.exec": (X, _COMMAND),
    "sandboxes.run_command": (X, _COMMAND),
    "sandboxes.cancel_command": (X, "cmd"),
    "sandboxes.read_file": (X, "a"),
    "sandboxes.write_file": (X, "a", ""),
    "sandboxes.list_files": (X,),
    "sandboxes.tree": (X,),
    "sandboxes.create_entry": (X, "a"),
    "sandboxes.move_entries": (X, [("a", "b")]),
    "sandboxes.delete_entry": (X, "a"),
    "sandboxes.health": (X,),
    "sandboxes.reconcile": (X,),
    "sandboxes.presence": (X, _PRESENCE),
    "sandboxes.harness": (X, _HARNESS),
    "sandboxes.prepare_harness": (X, _HARNESS),
    "sandboxes.terminal": (X,),
    "sandboxes.end_terminal": (X,),
    # observability.md, realtime.md
    "observability.stats": (),
    "observability.calls": (),
    "observability.cancel_call": (X,),
    "observability.call_events": (X,),
    "observability.tool_calls": (),
    "observability.jobs": (),
    "observability.job": (X,),
    "observability.cancel_job": (X,),
    "observability.repair_job": (X,),
    "observability.requeue_job": (X,),
    "observability.file_issue": (X, X),
    "observability.automation_events": (),
    "observability.automation_failures": (),
    "realtime.stream": (["job_runs"],),
    # v1.md, mcp.md
    "repos.list": (),
    "repos.env_vars": (X,),
    "repos.put_env_var": (X, _VARIABLE),
    "repos.delete_env_var": (X, "A"),
    "models.available": (),
    "sandboxes.list": (),
    "sandboxes.launch_and_wait": (_LAUNCH,),
    "sandboxes.logs": (X,),
    "automations.list": (),
    "automations.create": (automation_requests.AutomationDraft(installation_id=1),),
    "automations.get": (X,),
    "automations.update": (X, automation_requests.AutomationChange(name="n")),
    "automations.publish": (X,),
    "automations.set_model": (X, "n", None),
    "automations.trigger": (X, automation_requests.AutomationTrigger(repo_id=X), "k"),
    "automations.runs": (X,),
    "automations.run": (X, X),
    "runs.start": (runs.RunStart(repo_id=X, prompt="p"), "k"),
    "runs.has_write_scope": (),
    "runs.get": (X,),
    "runs.events": (X,),
    "runs.cancel": (X,),
    "mcp.initialize": (),
    "mcp.ping": (),
    "mcp.tools": (),
    "mcp.call": (_TOOL,),
    "mcp.batch": ([_TOOL],),
}


NAMED: dict[str, dict[str, Any]] = {"settings.update": {"theme": "dark"}}
"""What a method is given by name beside that."""


def methods(client: MogplexClient) -> dict[str, Any]:
    """Every public method of every family by `family.method`, bound to this client."""
    found = {}
    for family in sorted(
        name for name, value in vars(ClientView).items() if isinstance(value, _LazyResource)
    ):
        resource: Resource = getattr(client, family)
        for kind in type(resource).__mro__:
            for name in vars(kind):
                if kind is not Resource and not name.startswith("_") and callable(getattr(resource, name)):
                    found[f"{family}.{name}"] = getattr(resource, name)
    return {name: method for name, method in found.items() if not hasattr(object, name.partition(".")[2])}


async def call(client: MogplexClient, name: str, **also: Any) -> Any:
    """Call a method with its arguments of the list; read a stream to its end.

    Returns the result, or the items of the stream.
    """
    family, _, method = name.partition(".")
    made = getattr(getattr(client, family), method)(*CALLS[name], **NAMED.get(name, {}), **also)
    if isawaitable(made):
        return await made
    if isinstance(made, AbstractAsyncContextManager):
        async with made as opened:
            return [item async for item in opened]
    assert isinstance(made, AsyncIterator)
    async with aclosing(made) as items:  # type: ignore[type-var]
        return [item async for item in items]
