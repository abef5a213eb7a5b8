"""Every operator's route of sandboxes, tools and the MCP endpoint has a method, found by what the client really sends."""

from __future__ import annotations

from typing import Any

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.models.chat import ChatDraft, ChatMessage
from mogplex_tui.api.models.connections import PresetDraft
from mogplex_tui.api.models.mcp_endpoint import ToolCall
from mogplex_tui.api.models.mcp_servers import McpServerDraft, McpServerUpdate
from mogplex_tui.api.models.sandbox_drafts import CommandDraft, HarnessDraft, LaunchDraft, PresenceReport
from mogplex_tui.api.models.slack import SlackLinkDraft, SlackPolicy
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from tests.api.families.lab import NOBODY as X
from tests.api.families.lab import Call
from tests.api.support import http, serving
from tests.facts.routes import facts, unnamed

COMMAND = CommandDraft(command="ls")
HARNESS = HarnessDraft(harness="codex", prompt="x")
PRESENCE = PresenceReport(event="attach", tab_id="t", session_id="s")
CHAT = ChatDraft(messages=[ChatMessage.says("m", "Hi")])


async def opened(stream: Any) -> None:
    async with stream:
        async for _ in stream:
            pass


CALLS: list[Call] = [
    lambda c: c.sandboxes.list(),
    lambda c: c.sandboxes.launch_and_wait(LaunchDraft(repo_id=X)),
    lambda c: c.sandboxes.logs(X),
    lambda c: c.sandboxes.records(),
    lambda c: c.sandboxes.living(),
    lambda c: opened(c.sandboxes.launch(LaunchDraft(repo_id=X))),
    lambda c: c.sandboxes.get(X),
    lambda c: c.sandboxes.delete(X),
    lambda c: c.sandboxes.stop(X),
    lambda c: c.sandboxes.pause(X),
    lambda c: opened(c.sandboxes.resume(X)),
    lambda c: opened(c.sandboxes.restart(X)),
    lambda c: c.sandboxes.extend(X, 30),
    lambda c: opened(c.sandboxes.exec(X, COMMAND)),
    lambda c: c.sandboxes.run_command(X, COMMAND),
    lambda c: c.sandboxes.cancel_command(X, "cmd"),
    lambda c: c.sandboxes.read_file(X, "a"),
    lambda c: c.sandboxes.write_file(X, "a", ""),
    lambda c: c.sandboxes.list_files(X),
    lambda c: c.sandboxes.tree(X),
    lambda c: c.sandboxes.create_entry(X, "a"),
    lambda c: c.sandboxes.move_entries(X, [("a", "b")]),
    lambda c: c.sandboxes.delete_entry(X, "a"),
    lambda c: c.sandboxes.health(X),
    lambda c: c.sandboxes.reconcile(X),
    lambda c: c.sandboxes.presence(X, PRESENCE),
    lambda c: opened(c.sandboxes.harness(X, HARNESS)),
    lambda c: c.sandboxes.prepare_harness(X, HARNESS),
    lambda c: c.sandboxes.terminal(X),
    lambda c: c.sandboxes.end_terminal(X),
    lambda c: c.connections.list(),
    lambda c: c.connections.create(PresetDraft(source_preset="notion")),
    lambda c: c.connections.set_enabled(X, True),
    lambda c: c.connections.delete(X),
    lambda c: c.connections.test(X),
    lambda c: c.mcp_servers.list(),
    lambda c: c.mcp_servers.configured(),
    lambda c: c.mcp_servers.configured_by_token(),
    lambda c: c.mcp_servers.create(McpServerDraft(name="n", transport="stdio", command="c")),
    lambda c: c.mcp_servers.get(X),
    lambda c: c.mcp_servers.update(X, McpServerUpdate(enabled=True)),
    lambda c: c.mcp_servers.delete(X),
    lambda c: opened(c.chat.ask(CHAT)),
    lambda c: c.slack.workspaces(),
    lambda c: c.slack.change_policy(X, SlackPolicy(repo_agent_enabled=True)),
    lambda c: c.slack.disconnect(X),
    lambda c: c.slack.channels(X),
    lambda c: c.slack.links(X),
    lambda c: c.slack.link(X, SlackLinkDraft(channel_id="C", repo_id=X)),
    lambda c: c.slack.unlink(X, X),
    lambda c: c.mcp.initialize(),
    lambda c: c.mcp.ping(),
    lambda c: c.mcp.tools(),
    lambda c: c.mcp.call(ToolCall(name="t")),
    lambda c: c.mcp.batch([ToolCall(name="t")]),
]
ROOTS = (
    "/api/sandbox",
    "/api/connections",
    "/api/mcp-servers",
    "/api/chat",
    "/api/integrations/slack",
    "/api/v1/mogplex/sandboxes",
    "/api/v1/mogplex/mcp",
)


def wanted() -> set[tuple[str, str]]:
    """What an operator may call below these roots; of the MCP endpoint's verbs only one does anything."""
    found = {fact.key for fact in facts() if fact.caller == "operator" and fact.path.startswith(ROOTS)}
    return {key for key in found if key[1] != "/api/v1/mogplex/mcp" or key[0] == "POST"}


# What says no more than that it was done: nothing in such an answer is read.
SILENT = {
    ("DELETE", "/api/connections"),
    ("PATCH", "/api/connections"),
    ("DELETE", "/api/mcp-servers/{}"),
    ("DELETE", "/api/integrations/slack/installations/{}"),
    ("DELETE", "/api/integrations/slack/installations/{}/links/{}"),
    ("PUT", "/api/sandbox/{}/files"),
    ("POST", "/api/sandbox/{}/exec/cancel"),
    ("POST", "/api/sandbox/{}/terminal/session"),
}


async def test_every_route_of_an_operator_has_a_method_and_every_answer_of_another_shape_is_an_error() -> (
    None
):
    async with serving(http(200, "text")) as service, service.client(cookie="s=0123456789") as client:
        for number, call in enumerate(CALLS, 1):
            try:
                await call(client)
            except e.InvalidResponse:
                pass
            else:
                assert (service.seen[-1].method, service.seen[-1].path.replace(X, "{}")) in SILENT
            assert len(service.seen) == number
        sent = {(seen.method, seen.path.replace(X, "{}")) for seen in service.seen}
    assert sent >= wanted(), sorted(wanted() - sent)
    assert {unnamed(path) for _, path in sent} <= {unnamed(fact.path) for fact in facts()}


@pytest.mark.parametrize(
    ("call", "of_team"),
    [
        (lambda c: c.sandboxes.records(), True),
        (lambda c: c.sandboxes.stop(X), True),
        (lambda c: opened(c.sandboxes.launch(LaunchDraft(repo_id=X))), True),
        (lambda c: opened(c.chat.ask(CHAT)), True),
        (lambda c: c.sandboxes.list(), False),
        (lambda c: c.mcp_servers.list(), False),
        (lambda c: c.connections.list(), False),
    ],
)
async def test_what_belongs_to_a_team_is_asked_for_that_team(call: Call, of_team: bool) -> None:
    async with serving(http(200, "text")) as service:
        target = Target("t", service.base_url, Secret("mog_Q2xv9TbYk0LmWc7ReHs4DpZa"), team=X)
        async with MogplexClient(target) as client:
            with pytest.raises(e.InvalidResponse):
                await call(client)
        assert service.seen[0].headers.get("x-mogplex-team-id") == (X if of_team else None)
