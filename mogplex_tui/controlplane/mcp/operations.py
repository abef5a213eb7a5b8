"""The 22 MCP tools in the order in which they are published (mcp.md §4)."""

from __future__ import annotations

from .argument_shapes import AnyObject, Choice, Field, Flag, ListOf, Shape, Text, WholeNumber
from .graph_shape import GRAPH
from .operation import READ, Operation, automation, counted, run, sentence_of, writes

_ID = Text()
_NOTE = Text(free=True, nullable=True)
_KEY_WORDS = "key must contain only letters, digits, and underscores and not start with a digit"
_BRANCHES: dict[str, Field] = {
    "baseBranch": Text(),
    "workingBranch": Text(),
    "createBranch": Flag(),
    "rootDirectory": Text(nullable=True),
}
_RETRY_KEY = Text(longest=200, publish_longest=True)

_ENV = (
    Operation(
        "mogplex_list_env_vars",
        "List environment variables",
        "List the names and targets of a repository's environment variables; values are never shown.",
        Shape({"repoId": _ID}, ("repoId",)),
        READ,
        "GET",
        "/repos/{repoId}/env-vars",
        counted("envVars", "environment variable", "environment variables"),
    ),
    Operation(
        "mogplex_set_env_var",
        "Set an environment variable",
        "Create an environment variable of a repository or change its value.",
        Shape(
            {
                "repoId": _ID,
                "key": Text(longest=256, pattern=(r"[A-Za-z_]\w*", _KEY_WORDS)),
                "value": Text(longest=65_536, free=True),
                "target": ListOf(Choice(("production", "preview", "development")), least=1),
                "type": Choice(("encrypted", "plain", "sensitive")),
            },
            ("repoId", "key", "value"),
        ),
        writes(destructive=True, idempotent=True),
        "POST",
        "/repos/{repoId}/env-vars",
        sentence_of("Set {key}."),
        body=("key", "value", "target", "type"),
    ),
    Operation(
        "mogplex_delete_env_var",
        "Delete an environment variable",
        "Remove an environment variable of a repository from all its targets.",
        Shape({"repoId": _ID, "key": Text(longest=256)}, ("repoId", "key")),
        writes(destructive=True, idempotent=True),
        "DELETE",
        "/repos/{repoId}/env-vars",
        sentence_of("Deleted {key}."),
        body=("key",),
    ),
)

_PLACES = (
    Operation(
        "mogplex_list_repos",
        "List repositories",
        "List connected repositories, filtered by a part of owner/name. Other operations take their ids.",
        Shape({"query": Text(), "limit": WholeNumber(1, 200)}),
        READ,
        "GET",
        "/repos",
        counted("repos", "repository", "repositories"),
        query={"query": "q", "limit": "limit"},
    ),
    *_ENV,
    Operation(
        "mogplex_list_agents",
        "List agents",
        "List the built-in agent presets and the account's own agents.",
        Shape({}),
        READ,
        "GET",
        "/agents",
        counted("agents", "agent", "agents"),
    ),
    Operation(
        "mogplex_list_models",
        "List models",
        "List the models that this account can use now, with their prices.",
        Shape({}),
        READ,
        "GET",
        "/models",
        counted("models", "model", "models"),
    ),
    Operation(
        "mogplex_list_sandboxes",
        "List sandboxes",
        "List sandboxes of every state, the last active first.",
        Shape({"repoId": Text(), "status": Text(), "limit": WholeNumber(1, 200)}),
        READ,
        "GET",
        "/sandboxes",
        counted("sandboxes", "sandbox", "sandboxes"),
        query={"repoId": "repo_id", "status": "status", "limit": "limit"},
    ),
    Operation(
        "mogplex_create_sandbox",
        "Create a sandbox",
        "Boot a sandbox for a repository and branch and wait until it is there; an active one is taken as it is.",
        Shape({"repoId": _ID, **_BRANCHES}, ("repoId",)),
        writes(idempotent=True),
        "POST",
        "/sandboxes",
        lambda _, data: f"Sandbox {(data.get('sandbox') or {}).get('id')} is ready.",
        body=("repoId", *_BRANCHES),
    ),
    Operation(
        "mogplex_get_sandbox_logs",
        "Get sandbox logs",
        "Read the install and dev server logs of a sandbox, by its record id, and its lifecycle.",
        Shape({"sandboxId": _ID}, ("sandboxId",)),
        READ,
        "GET",
        "/sandboxes/{sandboxId}/logs",
        sentence_of("Read the logs of sandbox {sandboxId}."),
    ),
)

_ONE = "/automations/{automationId}"
_FLOW_BODY: dict[str, Field] = {"name": Text(), "description": _NOTE, "notes": _NOTE}

_AUTOMATIONS = (
    Operation(
        "mogplex_list_automations",
        "List automations",
        "List automations, the newest first, a page at a time.",
        Shape({"limit": WholeNumber(1, 100), "cursor": Text()}),
        READ,
        "GET",
        "/automations",
        counted("automations", "automation", "automations"),
        query={"limit": "limit", "cursor": "cursor"},
    ),
    Operation(
        "mogplex_get_automation",
        "Get an automation",
        "Read an automation with its draft and its published graph.",
        Shape({"automationId": _ID}, ("automationId",)),
        READ,
        "GET",
        _ONE,
        automation("Read"),
    ),
    Operation(
        "mogplex_create_automation",
        "Create an automation",
        "Create an automation in a GitHub installation, with a graph or the default draft, and publish it if asked.",
        Shape(
            {
                "installationId": WholeNumber(1, positive=True),
                **_FLOW_BODY,
                "graph": GRAPH,
                "publish": Flag(),
            },
            ("installationId",),
        ),
        writes(),
        "POST",
        "/automations",
        automation("Created"),
        body=("installationId", *_FLOW_BODY, "graph", "publish"),
    ),
    Operation(
        "mogplex_update_automation",
        "Update an automation",
        "Change name, texts, installation or the draft graph of an automation; what is left out stays.",
        Shape(
            {
                "automationId": _ID,
                **_FLOW_BODY,
                "installationId": WholeNumber(1, positive=True),
                "graph": GRAPH,
            },
            ("automationId",),
        ),
        writes(idempotent=True),
        "PUT",
        _ONE,
        automation("Updated"),
        body=(*_FLOW_BODY, "installationId", "graph"),
    ),
    Operation(
        "mogplex_publish_automation",
        "Publish an automation",
        "Check the draft of an automation, make it the next version and switch the automation on.",
        Shape({"automationId": _ID}, ("automationId",)),
        writes(),
        "POST",
        f"{_ONE}/publish",
        automation("Published"),
    ),
    Operation(
        "mogplex_set_automation_model",
        "Set the model of an agent node",
        "Choose the model of one agent node of an automation's draft, or null for none, and publish it if asked.",
        Shape(
            {"automationId": _ID, "nodeId": _ID, "modelId": Text(nullable=True), "publish": Flag()},
            ("automationId", "nodeId", "modelId"),
        ),
        writes(idempotent=True),
        "PUT",
        f"{_ONE}/model",
        automation("Set the model of"),
        body=("nodeId", "modelId", "publish"),
    ),
    Operation(
        "mogplex_trigger_automation",
        "Trigger an automation",
        "Start a published automation for a repository, with input of your own. Repeat a key to retry safely.",
        Shape(
            {"automationId": _ID, "repoId": _ID, "input": AnyObject(), "idempotencyKey": _RETRY_KEY},
            ("automationId", "repoId"),
        ),
        writes(idempotent=True),
        "POST",
        f"{_ONE}/trigger",
        run("Triggered job run {id}, which is {status}."),
        body=("repoId", "input"),
        keyed=True,
    ),
    Operation(
        "mogplex_list_automation_runs",
        "List automation runs",
        "List the newest runs of an automation.",
        Shape({"automationId": _ID, "limit": WholeNumber(1, 50)}, ("automationId",)),
        READ,
        "GET",
        f"{_ONE}/runs",
        counted("runs", "run", "runs"),
        query={"limit": "limit"},
    ),
    Operation(
        "mogplex_get_automation_run_logs",
        "Get automation run logs",
        "Read one run of an automation with its nodes, calls, events, findings and waits.",
        Shape({"automationId": _ID, "runId": _ID}, ("automationId", "runId")),
        READ,
        "GET",
        f"{_ONE}/runs/{{runId}}",
        sentence_of("Read run {runId}."),
    ),
)

_RUNS = (
    Operation(
        "mogplex_start_agent_run",
        "Start an agent run",
        "Start a coding agent on a repository with a prompt. Repeat a key to retry safely.",
        Shape(
            {
                "repoId": _ID,
                "prompt": Text(longest=100_000),
                "harness": Choice(("codex", "claude-code")),
                **_BRANCHES,
                "idempotencyKey": _RETRY_KEY,
            },
            ("repoId", "prompt"),
        ),
        writes(idempotent=True),
        "POST",
        "/runs",
        run("Run {id} is {status}."),
        body=("repoId", "prompt", "harness", *_BRANCHES),
        keyed=True,
        wrap="run",
    ),
    Operation(
        "mogplex_get_run",
        "Get a run",
        "Read the state of an agent run.",
        Shape({"runId": _ID}, ("runId",)),
        READ,
        "GET",
        "/runs/{runId}",
        run("Run {id} is {status}."),
    ),
    Operation(
        "mogplex_get_run_events",
        "Get run events",
        "Read an agent run with its events from the first on.",
        Shape({"runId": _ID, "limit": WholeNumber(1, 200)}, ("runId",)),
        READ,
        "GET",
        "/runs/{runId}/events",
        counted("events", "event", "events"),
        query={"limit": "limit"},
    ),
    Operation(
        "mogplex_cancel_run",
        "Cancel a run",
        "Stop an agent run; one that is over stays as it is.",
        Shape({"runId": _ID}, ("runId",)),
        writes(destructive=True, idempotent=True),
        "POST",
        "/runs/{runId}/cancel",
        run("Run {id} is {status}."),
    ),
)

OPERATIONS: dict[str, Operation] = {
    operation.name: operation for operation in (*_PLACES, *_AUTOMATIONS, *_RUNS)
}
