"""What the hosted service of August 2026 gets wrong, as data: on which requests, and what comes instead.

A defect only replaces the answer of a handler that did its own checks first: who may not, is told so as ever.
`{name}` in a path is one segment that ought to be a UUID, `{*}` one of any form.
"""

from __future__ import annotations

from typing import NamedTuple

V1 = "/api/v1/mogplex"
OBSERVABILITY = "/api/observability"
# The database's own sentence about an id that is none.
CAST = 'invalid input syntax for type uuid: "{id}"'


class Broken(NamedTuple):
    """Requests whose good answer never arrives: a 500 with this text comes instead, or an empty one for "".

    `when` names conditions on query parameters, all of which must hold: `given`, `no_number`, `no_uuid`, or a value
    after an equals sign.
    """

    methods: str
    path: str
    text: str
    when: tuple[tuple[str, str], ...] = ()
    status: int = 500
    code: str = ""
    # An answer besides the usual ones that it comes instead of.
    instead: int = 0


class WholeBody(NamedTuple):
    """Requests whose body goes into a table as it is: the keys that may be in it, and those that must be."""

    methods: str
    path: str
    table: str
    keys: str
    needed: str = ""


# An id that is no UUID (errors.md §1.1; the families' own notes). The text stands in the envelope of its family.
BAD_IDS = (
    Broken("GET", V1 + "/runs/{id}", "Failed to load run"),
    Broken("GET", V1 + "/runs/{id}/events", "Failed to list events"),
    Broken("POST", V1 + "/runs/{id}/cancel", "Failed to cancel run"),
    Broken("GET", V1 + "/sandboxes/{id}/logs", "Failed to load sandbox logs"),
    Broken("GET", V1 + "/automations/{id}", "Failed to load automation"),
    Broken("PUT", V1 + "/automations/{id}", "Failed to update automation"),
    Broken("POST", V1 + "/automations/{id}/publish", "Failed to publish automation"),
    Broken("PUT", V1 + "/automations/{id}/model", "Failed to update automation model"),
    Broken("POST", V1 + "/automations/{id}/trigger", "Failed to trigger automation"),
    Broken("GET", V1 + "/automations/{id}/runs", "Failed to list automation runs"),
    Broken("GET", V1 + "/automations/{id}/runs/{run}", "Failed to load automation run logs"),
    Broken(
        "GET",
        OBSERVABILITY + "/jobs/{id}",
        "Failed to load job run detail. Contact support with incident MOG-JOB-{incident}.",
    ),
    Broken("POST", OBSERVABILITY + "/jobs/{id}/cancel", ""),
    Broken("POST", OBSERVABILITY + "/jobs/{id}/repair", ""),
    Broken("POST", OBSERVABILITY + "/jobs/{id}/requeue", ""),
    Broken("POST", OBSERVABILITY + "/jobs/{id}/review-findings/{finding}/issue", ""),
    Broken("POST", OBSERVABILITY + "/calls/{id}/cancel", ""),
    Broken("DELETE", "/api/settings/api-keys/{id}", CAST),
    Broken("GET,POST,PUT,PATCH,DELETE", "/api/teams/{id}/{*}", "Internal server error"),
    Broken("GET", "/api/repos/{id}/launch-presets", "Failed to load launch presets"),
    Broken("POST", "/api/repos/{id}/launch-presets", "Failed to save launch preset"),
    Broken("DELETE", "/api/repos/{id}/launch-presets/{preset}", "Failed to delete launch preset"),
    Broken("PATCH", "/api/workspaces/{id}", ""),
    Broken("GET,PATCH,DELETE", "/api/mcp-servers/{id}", CAST),
    Broken("GET,PUT,DELETE", "/api/flows/{id}", ""),
    Broken("POST", "/api/flows/{id}/webhook-secret", ""),
    # A flow that is not there looks to this handler like one that is not published.
    Broken("POST", "/api/flows/{id}/test-trigger", "", instead=400),
    Broken("POST", "/api/webhooks/flows/{id}", ""),
    Broken(
        "POST",
        "/api/flows/{id}/publish",
        CAST,
        code="FLOW_STORAGE_FAILED",
    ),
    Broken("POST", "/api/flows/{id}/duplicate", CAST, code="FLOW_STORAGE_FAILED"),
    Broken("GET", "/api/flows/{id}/runs", CAST, code="FLOW_STORAGE_FAILED"),
    Broken("GET", "/api/flows/{id}/runs/{run}", CAST),
    Broken("DELETE", "/api/flows/templates/{id}", CAST),
    Broken("POST", "/api/control/approvals/{id}", "Failed to resolve approval"),
)
# Paths that look like one of the above and are routes of their own.
NOT_IDS = ("/api/flows/approvals", "/api/flows/assistant", "/api/flows/templates")

# Requests that the Postgres backend cannot answer (README; v1.md §5, observability.md §0 and §2, identity.md §8).
BROKEN = (
    Broken("GET", V1 + "/automations", "Failed to list automations", (("cursor", "given"),)),
    Broken("GET", V1 + "/sandboxes", "Failed to list sandboxes", (("repo_id", "no_uuid"),)),
    Broken("GET", OBSERVABILITY + "/calls", "Failed to fetch calls", (("surface", "=cloud"),)),
    Broken("GET", OBSERVABILITY + "/calls", "Failed to fetch calls", (("repo_id", "no_uuid"),)),
    Broken(
        "GET",
        OBSERVABILITY + "/calls",
        "Failed to fetch calls",
        (("page", "no_number"), ("live_only", "!true")),
    ),
    Broken("GET", OBSERVABILITY + "/call-events", "", (("ai_call_id", "no_uuid"),)),
    Broken("GET", OBSERVABILITY + "/automation-events", "", (("repo_id", "no_uuid"),)),
    Broken(
        "GET",
        OBSERVABILITY + "/automation-events",
        "",
        (("page", "no_number"), ("source_kind", "!given"), ("agent_id", "!given")),
    ),
    Broken(
        "GET",
        OBSERVABILITY + "/automation-events",
        "",
        (("limit", "no_number"), ("source_kind", "!given"), ("agent_id", "!given")),
    ),
    Broken("GET", "/api/teams/{*}/audit-events", "Internal server error", (("cursor", "given"),)),
    Broken("GET", "/api/repos", CAST, (("id", "no_uuid"),)),
    Broken("GET", "/api/control/approvals", "Failed to load approvals", (("runId", "no_uuid"),)),
    Broken("DELETE", "/api/agents", CAST, (("id", "no_uuid"),)),
    Broken("DELETE", "/api/skills", CAST, (("id", "no_uuid"),)),
    Broken("DELETE", "/api/rules", CAST, (("id", "no_uuid"),)),
    Broken("DELETE", "/api/triggers", CAST, (("id", "no_uuid"),)),
    # The row is gone all the same.
    Broken("DELETE", "/api/mcp-servers/{*}", "Server not found", status=404),
)

# Requests that pass their checks and then store nothing (projects.md §4.3, §4.6 and §8, routing.md §2, system.md §3).
# `when` of these names keys of the JSON body.
REFUSED_WRITES = (
    Broken("POST,PATCH", "/api/repos", "the written row cannot be returned with its workspace"),
    Broken("POST,PUT", "/api/triggers", "the written row cannot be returned with its agent"),
    Broken("POST", "/api/repos/{*}/rules", "no unique key matches the upsert", (("rule_id", "given"),)),
    Broken("POST", "/api/repos/{*}/skills", "no unique key matches the upsert", (("skill_id", "given"),)),
    Broken("POST", "/api/repos/{*}/subproject", "the new row breaks the check on its owner"),
)
# Always refused by the database, whether or not there was anything to write.
REFUSED_QUERIES = (Broken("GET", "/api/cron/reconcile-job-runs", ""),)

# Handlers that write the whole body into a table: any key but its columns and those that they take out is refused by
# the database, and so is a row without what a column needs (library.md, "Mass assignment", §6.1, §7, §11 and §12).
# That such a body may also set columns of the service's own is not reproduced.
MASS_ASSIGNED = (
    WholeBody(
        "POST,PUT",
        "/api/skills",
        "skills",
        "id user_id name content description type model is_public tags usage_count created_at updated_at",
        needed="name content",
    ),
    WholeBody(
        "POST,PUT", "/api/rules", "agent_rules", "table id user_id name content type created_at", "name"
    ),
    WholeBody(
        "POST",
        "/api/commands",
        "custom_commands",
        "id user_id name description template created_at",
        needed="name template",
    ),
    WholeBody(
        "PUT",
        "/api/conversations",
        "conversations",
        "id expected_updated_at user_id model mode title messages local_msgs harness_state created_at updated_at",
    ),
)
# Updates that read the row back: one that is not there is a 500 instead of the 404 that was meant (identity.md §1.6).
ABSENT = (
    ("PUT", "/api/skills"),
    ("PUT", "/api/rules"),
    ("PUT", "/api/agents"),
    ("PATCH", "/api/repos"),
)
NO_ROW = "Cannot coerce the result to a single JSON object"
# An agent is updated with nothing to update (library.md §1.3).
EMPTY_UPDATES = (WholeBody("PUT", "/api/agents", "agents", "name model category description system_prompt"),)

# An id in the body that is no UUID, what it stands under, and the refusal that the cast comes instead of (v1.md §5.3).
BODY_IDS = (
    (
        Broken("POST", V1 + "/automations/{*}/trigger", "Failed to trigger automation"),
        "repoId",
        "Repository not found",
    ),
)

# As UNGUARDED, where what went wrong is caught and its text is the answer (library.md §8.2).
NO_JSON = "the body ended before it was JSON"
PARSER_TEXTS = (Broken("POST,PATCH,DELETE", "/api/connections", NO_JSON),)
# As UNGUARDED, but for null, which a check refuses (library.md §9.2).
JSON_ONLY = (Broken("POST", "/api/mcp-servers", ""), Broken("PATCH", "/api/mcp-servers/{*}", ""))
# Handlers that parse their body without a guard: 500 with an empty body for what is not JSON, and for null
# (errors.md §2, E10; marked J500 in the families' files).
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

# Assignments are not made any more; the answer does not depend on who asks or what (routing.md §1.2).
GONE = Broken(
    "POST",
    "/api/assignments",
    "Assignments have been replaced by automations. Create a flow in the automations editor instead.",
    status=410,
)

# The exports of servers, which fail once a secret is stored (README).
EXPORTS = (
    Broken("GET", V1 + "/mcp/servers", "Failed to list MCP servers"),
    Broken("GET", "/api/mcp-servers", "the stored secret cannot be read", (("format", "=cli"),)),
)
STORED_SECRETS = (
    "SELECT 1 FROM user_mcp_servers WHERE user_id = ? AND (env_secrets <> '{}' OR header_secrets <> '{}')"
)
