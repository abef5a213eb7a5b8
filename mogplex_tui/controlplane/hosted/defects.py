"""Tables of the hosted service's defects, as observed in August 2026.

A defect replaces the response of a handler that has already made its own checks, so that
unauthorized requests are refused as usual. In a path `{name}` is one segment that should be a
UUID, `{*}` is one segment of any form.
"""

from __future__ import annotations

from typing import NamedTuple

V1 = "/api/v1/mogplex"
OBSERVABILITY = "/api/observability"
# The database's message about an invalid id.
CAST = 'invalid input syntax for type uuid: "{id}"'


class FailingRequests(NamedTuple):
    """Requests that fail on the hosted service, and the status and text of the error.

    With the text "" the response has no body. `when` are pairs of a query parameter and a
    condition, all of which must hold: `given`, `no_number`, `no_uuid`, or `=` and a value.
    """

    methods: str
    path: str
    text: str
    when: tuple[tuple[str, str], ...] = ()
    status: int = 500
    code: str = ""
    # Another response that it replaces, besides successes.
    instead: int = 0


class UnvalidatedBody(NamedTuple):
    """Requests whose body the hosted service stores without validation.

    `keys` are the columns of the table, `needed` the columns that must not be null.
    """

    methods: str
    path: str
    table: str
    keys: str
    needed: str = ""


# An id that is no UUID (errors.md §1.1, and the notes of each family). The text has the format of its family.
BAD_IDS = (
    FailingRequests("GET", V1 + "/runs/{id}", "Failed to load run"),
    FailingRequests("GET", V1 + "/runs/{id}/events", "Failed to list events"),
    FailingRequests("POST", V1 + "/runs/{id}/cancel", "Failed to cancel run"),
    FailingRequests("GET", V1 + "/sandboxes/{id}/logs", "Failed to load sandbox logs"),
    FailingRequests("GET", V1 + "/automations/{id}", "Failed to load automation"),
    FailingRequests("PUT", V1 + "/automations/{id}", "Failed to update automation"),
    FailingRequests("POST", V1 + "/automations/{id}/publish", "Failed to publish automation"),
    FailingRequests("PUT", V1 + "/automations/{id}/model", "Failed to update automation model"),
    FailingRequests("POST", V1 + "/automations/{id}/trigger", "Failed to trigger automation"),
    FailingRequests("GET", V1 + "/automations/{id}/runs", "Failed to list automation runs"),
    FailingRequests("GET", V1 + "/automations/{id}/runs/{run}", "Failed to load automation run logs"),
    FailingRequests(
        "GET",
        OBSERVABILITY + "/jobs/{id}",
        "Failed to load job run detail. Contact support with incident MOG-JOB-{incident}.",
    ),
    FailingRequests("POST", OBSERVABILITY + "/jobs/{id}/cancel", ""),
    FailingRequests("POST", OBSERVABILITY + "/jobs/{id}/repair", ""),
    FailingRequests("POST", OBSERVABILITY + "/jobs/{id}/requeue", ""),
    FailingRequests("POST", OBSERVABILITY + "/jobs/{id}/review-findings/{finding}/issue", ""),
    FailingRequests("POST", OBSERVABILITY + "/calls/{id}/cancel", ""),
    FailingRequests("DELETE", "/api/settings/api-keys/{id}", CAST),
    FailingRequests("GET,POST,PUT,PATCH,DELETE", "/api/teams/{id}/{*}", "Internal server error"),
    FailingRequests("GET", "/api/repos/{id}/launch-presets", "Failed to load launch presets"),
    FailingRequests("POST", "/api/repos/{id}/launch-presets", "Failed to save launch preset"),
    FailingRequests("DELETE", "/api/repos/{id}/launch-presets/{preset}", "Failed to delete launch preset"),
    FailingRequests("PATCH", "/api/workspaces/{id}", ""),
    FailingRequests("GET,PATCH,DELETE", "/api/mcp-servers/{id}", CAST),
    FailingRequests("GET,PUT,DELETE", "/api/flows/{id}", ""),
    FailingRequests("POST", "/api/flows/{id}/webhook-secret", ""),
    # This handler treats a missing flow as an unpublished one.
    FailingRequests("POST", "/api/flows/{id}/test-trigger", "", instead=400),
    FailingRequests("POST", "/api/webhooks/flows/{id}", ""),
    FailingRequests(
        "POST",
        "/api/flows/{id}/publish",
        CAST,
        code="FLOW_STORAGE_FAILED",
    ),
    FailingRequests("POST", "/api/flows/{id}/duplicate", CAST, code="FLOW_STORAGE_FAILED"),
    FailingRequests("GET", "/api/flows/{id}/runs", CAST, code="FLOW_STORAGE_FAILED"),
    FailingRequests("GET", "/api/flows/{id}/runs/{run}", CAST),
    FailingRequests("DELETE", "/api/flows/templates/{id}", CAST),
    FailingRequests("POST", "/api/control/approvals/{id}", "Failed to resolve approval"),
)
# Paths that look like one of the above and have their own routes.
NOT_IDS = ("/api/flows/approvals", "/api/flows/assistant", "/api/flows/templates")

# Requests that the Postgres backend cannot answer (v1.md §5, observability.md §0 and §2, identity.md §8).
BROKEN = (
    FailingRequests("GET", V1 + "/automations", "Failed to list automations", (("cursor", "given"),)),
    FailingRequests("GET", V1 + "/sandboxes", "Failed to list sandboxes", (("repo_id", "no_uuid"),)),
    FailingRequests("GET", OBSERVABILITY + "/calls", "Failed to fetch calls", (("surface", "=cloud"),)),
    FailingRequests("GET", OBSERVABILITY + "/calls", "Failed to fetch calls", (("repo_id", "no_uuid"),)),
    FailingRequests(
        "GET",
        OBSERVABILITY + "/calls",
        "Failed to fetch calls",
        (("page", "no_number"), ("live_only", "!true")),
    ),
    FailingRequests("GET", OBSERVABILITY + "/call-events", "", (("ai_call_id", "no_uuid"),)),
    FailingRequests("GET", OBSERVABILITY + "/automation-events", "", (("repo_id", "no_uuid"),)),
    FailingRequests(
        "GET",
        OBSERVABILITY + "/automation-events",
        "",
        (("page", "no_number"), ("source_kind", "!given"), ("agent_id", "!given")),
    ),
    FailingRequests(
        "GET",
        OBSERVABILITY + "/automation-events",
        "",
        (("limit", "no_number"), ("source_kind", "!given"), ("agent_id", "!given")),
    ),
    FailingRequests("GET", "/api/teams/{*}/audit-events", "Internal server error", (("cursor", "given"),)),
    FailingRequests("GET", "/api/repos", CAST, (("id", "no_uuid"),)),
    FailingRequests("GET", "/api/control/approvals", "Failed to load approvals", (("runId", "no_uuid"),)),
    FailingRequests("DELETE", "/api/agents", CAST, (("id", "no_uuid"),)),
    FailingRequests("DELETE", "/api/skills", CAST, (("id", "no_uuid"),)),
    FailingRequests("DELETE", "/api/rules", CAST, (("id", "no_uuid"),)),
    FailingRequests("DELETE", "/api/triggers", CAST, (("id", "no_uuid"),)),
    # The row is deleted all the same.
    FailingRequests("DELETE", "/api/mcp-servers/{*}", "Server not found", status=404),
)

# Requests that pass their checks and then store nothing (projects.md §4.3, §4.6 and §8, routing.md §2, system.md §3).
# `when` names keys of the JSON body.
REFUSED_WRITES = (
    FailingRequests("POST,PATCH", "/api/repos", "the written row cannot be returned with its workspace"),
    FailingRequests("POST,PUT", "/api/triggers", "the written row cannot be returned with its agent"),
    FailingRequests(
        "POST", "/api/repos/{*}/rules", "no unique key matches the upsert", (("rule_id", "given"),)
    ),
    FailingRequests(
        "POST", "/api/repos/{*}/skills", "no unique key matches the upsert", (("skill_id", "given"),)
    ),
    FailingRequests("POST", "/api/repos/{*}/subproject", "the new row breaks the check on its owner"),
)
# Always refused by the database.
REFUSED_QUERIES = (FailingRequests("GET", "/api/cron/reconcile-job-runs", ""),)

# Handlers that write the whole body into a table: the database refuses unknown columns, and rows without a required one
# (library.md §6.1, §7, §11 and §12). That such a body can also set the service's own columns is not
# reproduced.
MASS_ASSIGNED = (
    UnvalidatedBody(
        "POST,PUT",
        "/api/skills",
        "skills",
        "id user_id name content description type model is_public tags usage_count created_at updated_at",
        needed="name content",
    ),
    UnvalidatedBody(
        "POST,PUT", "/api/rules", "agent_rules", "table id user_id name content type created_at", "name"
    ),
    UnvalidatedBody(
        "POST",
        "/api/commands",
        "custom_commands",
        "id user_id name description template created_at",
        needed="name template",
    ),
    UnvalidatedBody(
        "PUT",
        "/api/conversations",
        "conversations",
        "id expected_updated_at user_id model mode title messages local_msgs harness_state created_at updated_at",
    ),
)
# Updates that read the row back: a missing row is a 500 instead of the intended 404 (identity.md §1.6).
ABSENT = (
    ("PUT", "/api/skills"),
    ("PUT", "/api/rules"),
    ("PUT", "/api/agents"),
    ("PATCH", "/api/repos"),
)
NO_ROW = "Cannot coerce the result to a single JSON object"
# An update of an agent without any column (library.md §1.3).
EMPTY_UPDATES = (
    UnvalidatedBody("PUT", "/api/agents", "agents", "name model category description system_prompt"),
)

# An id in the body that is no UUID, its key, and the refusal that the database error replaces (v1.md §5.3).
BODY_IDS = (
    (
        FailingRequests("POST", V1 + "/automations/{*}/trigger", "Failed to trigger automation"),
        "repoId",
        "Repository not found",
    ),
)

# As UNGUARDED, where the exception is caught and its text is the response (library.md §8.2).
NO_JSON = "the body ended before it was JSON"
PARSER_TEXTS = (FailingRequests("POST,PATCH,DELETE", "/api/connections", NO_JSON),)
# As UNGUARDED, except for null, which a check refuses (library.md §9.2).
JSON_ONLY = (
    FailingRequests("POST", "/api/mcp-servers", ""),
    FailingRequests("PATCH", "/api/mcp-servers/{*}", ""),
)
# Handlers that parse their body without a guard: 500 with an empty body for text that is no JSON, and for null
# (errors.md §2, E10; marked J500 in the contract).
UNGUARDED = (
    ("PATCH", "/api/settings"),
    ("PATCH", "/api/models"),
    ("POST,PATCH", "/api/repos"),
    ("POST", "/api/repos/{*}/connections"),
    ("POST", "/api/repos/{*}/models"),
    ("POST", "/api/repos/{*}/rules"),
    ("POST", "/api/repos/{*}/skills"),
    ("POST", "/api/repos/{*}/subproject"),
    ("PUT,DELETE", "/api/repos/{*}/secrets"),
    ("POST", "/api/workspaces"),
    ("PATCH", "/api/workspaces/{*}"),
    ("POST", "/api/workspaces/{*}/repos"),
    ("POST", "/api/agents/generate"),
    ("POST,PUT", "/api/skills"),
    ("POST,PUT", "/api/rules"),
    ("POST,PATCH", "/api/memories"),
    ("POST", "/api/memories/actions"),
    ("POST", "/api/commands"),
    ("PUT", "/api/conversations"),
    ("POST", "/api/chat"),
    ("PUT", "/api/assignments"),
    ("POST,PUT", "/api/triggers"),
    ("POST", "/api/flows"),
    ("PUT", "/api/flows/{*}"),
    ("POST", "/api/sandbox"),
    ("POST", "/api/flows/templates"),
    ("POST", "/api/jobs/process"),
    ("POST", "/api/agent/review"),
    ("POST", "/api/sandbox/{*}/exec"),
    ("POST", "/api/sandbox/{*}/exec/cancel"),
    ("PUT,POST", "/api/sandbox/{*}/files"),
    ("POST,PATCH,DELETE", "/api/sandbox/{*}/tree"),
    ("POST", "/api/sandbox/{*}/extend"),
    ("POST", "/api/sandbox/{*}/terminal/session"),
)

# Lists that are paged in memory: a page or limit that is no number gives no rows and a null (observability.md §0).
PAGED_IN_MEMORY = (
    (OBSERVABILITY + "/jobs", ()),
    (OBSERVABILITY + "/automation-failures", ()),
    (OBSERVABILITY + "/calls", (("live_only", "=true"),)),
    (OBSERVABILITY + "/automation-events", (("source_kind", "given"),)),
    (OBSERVABILITY + "/automation-events", (("agent_id", "given"),)),
)

# Assignments cannot be created any more; the response is the same for every request (routing.md §1.2).
GONE = FailingRequests(
    "POST",
    "/api/assignments",
    "Assignments have been replaced by automations. Create a flow in the automations editor instead.",
    status=410,
)

# The exports of MCP servers, which fail once a secret is stored (docs/contract/README.md).
EXPORTS = (
    FailingRequests("GET", V1 + "/mcp/servers", "Failed to list MCP servers"),
    FailingRequests("GET", "/api/mcp-servers", "the stored secret cannot be read", (("format", "=cli"),)),
)
STORED_SECRETS = (
    "SELECT 1 FROM user_mcp_servers WHERE user_id = ? AND (env_secrets <> '{}' OR header_secrets <> '{}')"
)
