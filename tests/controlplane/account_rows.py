"""Rows of every kind for one account; every text begins with the account's name."""

from __future__ import annotations

import json
from typing import Any

from mogplex_tui.controlplane.db.clock import DAY_US
from mogplex_tui.controlplane.db.database import Tx

MODEL = "acme/nova-1"


def _graph(name: str, agent: str, number: int) -> str:
    nodes = [
        {
            "id": "start",
            "type": "start",
            "position": {"x": 0, "y": 0},
            "data": {"event": "webhook", "filter": {"installationIds": [number], "repos": [f"{name}/api"]}},
        },
        {
            "id": "agent-1",
            "type": "agent",
            "position": {"x": 1, "y": 0},
            "data": {"agentId": agent, "label": name},
        },
        {"id": "end", "type": "end", "position": {"x": 2, "y": 0}, "data": {"label": "Done"}},
    ]
    edges = [
        {"id": "e1", "source": "start", "target": "agent-1"},
        {"id": "e2", "source": "agent-1", "target": "end"},
    ]
    return json.dumps({"nodes": nodes, "edges": edges})


class AccountRows:
    """Inserts rows that belong to one account and remembers their ids."""

    def __init__(self, tx: Tx, now: int, user_id: str, name: str, number: int) -> None:
        self.tx, self.now, self.user, self.name, self.number = tx, now, user_id, name, number
        self.ids: dict[str, Any] = {"profile": user_id, "installation": number}

    def put(self, kind: str, table: str, /, **columns: Any) -> str:
        """Insert a row created now and store its id in `ids` under `kind`."""
        row_id = columns.pop("id", None) or self.tx.new_id()
        self.tx.insert(table, id=row_id, created_at=self.now, **columns)
        self.ids[kind] = row_id
        return str(row_id)

    def account(self) -> None:
        """Insert the rows of the person: team, keys, invitation and installation."""
        name, user, now = self.name, self.user, self.now
        team = self.put(
            "team", "teams", name=f"{name} team", slug=f"{name}-team", owner_user_id=user, updated_at=now
        )
        token = f"{name}-invitation"
        self.put(
            "invite",
            "team_invites",
            team_id=team,
            email=f"{name}-guest@example.dev",
            role="developer",
            token=token,
            expires_at=now + DAY_US,
        )
        self.ids["invitation"] = token
        self.put("audit", "team_audit_events", team_id=team, action=f"{name}.did", actor_user_id=user)
        for kind, table, owner in (
            ("key", "provider_keys", "user_id"),
            ("team_key", "team_provider_keys", "team_id"),
        ):
            mine = {owner: user if owner == "user_id" else team}
            self.put(kind, table, provider="openai", key_hash=name, is_plausible=1, updated_at=now, **mine)
        self.put(
            "github",
            "github_installations",
            user_id=user,
            installation_id=self.number,
            account_login=f"{name}-org",
            product_team_id=team,
            attached_by_user_id=user,
        )

    def project(self) -> None:
        """Insert a workspace, a repository, its overrides and presets."""
        name, user, now = self.name, self.user, self.now
        mine = {"user_id": user, "updated_at": now}
        self.put(
            "default_workspace", "workspaces", owner_user_id=user, name=f"{name} home", is_default=1, **mine
        )
        self.put("workspace", "workspaces", owner_user_id=user, name=f"{name} project", **mine)
        repo = self.put(
            "repo",
            "repos",
            user_id=user,
            full_name=f"{name}/api",
            default_branch="main",
            github_installation_id=self.number,
            github_id=self.number,
            owner=name,
            owner_user_id=user,
            name="api",
        )
        rule = self.put("rule", "agent_rules", user_id=user, name=f"{name} rule", content=name)
        self.put("old_rule", "agent_skills", user_id=user, name=f"{name} old rule")
        skill = self.put("skill", "skills", content=name, name=f"{name} skill", **mine)
        connection = self.put(
            "connection",
            "connections",
            name=f"{name} connection",
            type="mcp_server",
            mcp_url=f"https://{name}.example.dev/mcp",
            auth_type="none",
            **mine,
        )
        self.put(
            "connection_event",
            "connection_events",
            user_id=user,
            connection_id=connection,
            event="test_failed",
            surface="test",
        )
        self.put("connection_override", "repo_connection_overrides", repo_id=repo, connection_id=connection)
        self.put("rule_override", "repo_rule_overrides", repo_id=repo, rule_id=rule, excluded=1)
        self.put("skill_override", "repo_skill_overrides", repo_id=repo, skill_id=skill, excluded=1)
        self.tx.insert("repo_model_overrides", repo_id=repo, model_id=MODEL, excluded=1)
        self.put(
            "launch_preset",
            "sandbox_launch_presets",
            repo_id=repo,
            name=f"{name} preset",
            base_branch="main",
            working_branch="main",
            **mine,
        )

    def github(self) -> None:
        """Insert what GitHub knows about the repository."""
        name, number, now = self.name, self.number, self.now
        here = {"github_id": number, "created_at": now}
        self.tx.insert("github_accounts", login=name, type="Organization", installation_id=number)
        self.tx.insert("github_org_members", org_login=name, login=f"{name}-member")
        self.tx.insert("github_remote_repos", owner_login=name, name="api", installation_id=number, **here)
        self.tx.insert(
            "github_pulls",
            number=1,
            title=f"{name} pull",
            author_login=f"{name}-member",
            updated_at=now,
            **here,
        )
        self.tx.insert("github_secrets", name=f"{name.upper()}_SECRET", updated_at=now, **here)
        self.tx.insert("model_preferences", user_id=self.user, model_id=MODEL, is_enabled=1)

    def library(self) -> None:
        """Insert agents, memories, MCP servers and Slack rows."""
        name, user, now = self.name, self.user, self.now
        mine = {"user_id": user, "updated_at": now}
        self.put("agent", "agents", user_id=user, name=f"{name} agent", slug=f"{name}-agent", model=MODEL)
        self.put("category", "agent_categories", user_id=user, slug=f"{name}-work", label=f"{name} work")
        self.put("command", "custom_commands", user_id=user, name=f"{name} command", template=name)
        about = json.dumps({"conversation_id": f"{name}-talk", "repo_id": self.ids["repo"]})
        self.put("memory", "memories", lane="semantic", content=f"{name} remembers", metadata=about, **mine)
        self.put("conversation", "conversations", id=f"{name}-talk", title=f"{name} talk", **mine)
        self.put(
            "mcp_server", "user_mcp_servers", name=f"{name}-server", transport="stdio", command=name, **mine
        )
        slack = self.tx.new_id()
        self.tx.insert(
            "slack_installations",
            id=slack,
            team_id=f"T{name.upper()}",
            user_id=user,
            team_name=name,
            bot_user_id="U1",
            installed_at=now,
        )
        self.ids["slack_team"] = f"T{name.upper()}"
        self.put(
            "slack_link",
            "slack_channel_links",
            slack_installation_id=slack,
            channel_id="C1",
            channel_name=f"{name}-channel",
            repo_id=self.ids["repo"],
            created_by=user,
        )

    def work(self) -> None:
        """Insert automations with a failed run, its node runs, waits and findings."""
        name, user, now, ids = self.name, self.user, self.now, self.ids
        graph = _graph(name, ids["agent"], self.number)
        mine: dict[str, Any] = {"user_id": user, "updated_at": now}
        version = self.tx.new_id()
        flow = self.put(
            "flow",
            "flows",
            installation_id=self.number,
            name=f"{name} flow",
            status="active",
            draft_graph=graph,
            published_version_id=version,
            **mine,
        )
        self.put("version", "flow_versions", id=version, flow_id=flow, version_number=1, graph=graph)
        for kind, owner in (
            ("template", {"owner_type": "user", "owner_user_id": user}),
            ("team_template", {"owner_type": "team", "product_team_id": ids["team"]}),
        ):
            shown = {"name": f"{name} {kind}", "trigger_event": "push", "graph": graph, "updated_at": now}
            self.put(kind, "flow_templates", **owner, **shown)
        self.put("assignment", "assignments", repo_id=ids["repo"], agent_id=ids["agent"], type="cron")
        self.put(
            "trigger",
            "triggers",
            user_id=user,
            agent_id=ids["agent"],
            installation_id=self.number,
            event="push",
        )
        about = {
            "source_type": "webhook",
            "repo_id": ids["repo"],
            "repo_full_name": f"{name}/api",
            "installation_id": self.number,
        }
        job = self.put(
            "job",
            "job_runs",
            flow_id=flow,
            flow_version_id=version,
            status="failed",
            error=f"{name} failed",
            metadata=json.dumps(about),
        )
        step = {"user_id": user, "job_run_id": job, "flow_id": flow, "node_id": "agent-1"}
        self.put("node_run", "flow_node_runs", node_type="agent", node_label=name, status="failed", **step)
        self.put(
            "wait",
            "flow_waits",
            wait_kind="manual_approval",
            wait_config=json.dumps({"kind": "manual_approval", "prompt": f"{name} asks"}),
            resume_token=name,
            **step,
        )
        self.put(
            "finding",
            "review_findings",
            user_id=user,
            job_run_id=job,
            repo_id=ids["repo"],
            repo_full_name=f"{name}/api",
            ordinal=1,
            fingerprint=name,
            severity="warning",
            title=f"{name} finding",
            body=name,
            updated_at=now,
        )
        self.put(
            "dispatch",
            "automation_dispatch_events",
            user_id=user,
            job_run_id=job,
            flow_id=flow,
            flow_version_id=version,
            repo_id=ids["repo"],
            source_kind="flow",
            source_type="webhook",
            event_kind="control",
            outcome="failed",
            reason=f"{name} reason",
        )
        self.put("limit", "limit_events", user_id=user, route_key="chat", decision="allowed")

    def calls(self) -> None:
        """Insert a sandbox, a running call in it, and its run and approval."""
        name, user, now, ids = self.name, self.user, self.now, self.ids
        sandbox = self.put(
            "sandbox",
            "sandboxes",
            user_id=user,
            repo_id=ids["repo"],
            sandbox_id=f"{name}-vm",
            base_branch="main",
            working_branch=f"{name}-branch",
            status="running",
            last_active_at=now,
        )
        self.put("lifecycle", "sandbox_lifecycle_events", sandbox_id=sandbox, event_type="booted")
        self.tx.insert("sandbox_files", sandbox_id=sandbox, path=f"{name}.txt", kind="file", content=name)
        self.tx.insert(
            "sandbox_presence", sandbox_id=sandbox, tab_id=name, session_id=name, attached=1, changed_at=now
        )
        call = ids["call"] = self.tx.new_id()
        about = {"agent_id": ids["agent"], "sandbox_record_id": sandbox, "source": "external_api"}
        self.tx.insert(
            "ai_calls",
            id=call,
            user_id=user,
            type="agent",
            model="harness:codex",
            status="streaming",
            started_at=now,
            repo_id=ids["repo"],
            conversation_id=f"{name}-talk",
            runtime_command_id=f"{name}-command",
            metadata=json.dumps(about),
            tool_calls_count=1,
            tool_calls=json.dumps([{"name": f"{name} tool"}]),
        )
        self.put(
            "call_event",
            "ai_call_events",
            ai_call_id=call,
            user_id=user,
            event_type="log",
            message=f"{name} said",
        )
        self.put(
            "run",
            "external_agent_runs",
            user_id=user,
            repo_id=ids["repo"],
            ai_call_id=call,
            sandbox_record_id=sandbox,
            idempotency_key=name,
            request_hash=name,
            harness="codex",
            status="streaming",
            prompt=f"{name} prompt",
            base_branch="main",
            working_branch=f"{name}-branch",
            updated_at=now,
        )
        self.put(
            "approval",
            "control_approvals",
            user_id=user,
            run_id=ids["run"],
            ai_call_id=call,
            tool_name=f"{name} tool",
            tool_call_id=name,
            summary=f"{name} asks",
        )
