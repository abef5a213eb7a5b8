"""Answers with status 500 or above that the contract itself asks for."""

from __future__ import annotations

CRON_SECRET = "the-schedulers-word"
_CAST = r"500 .*(invalid input syntax for type|out of range for type|violates [\w -]+ constraint)"
_CLOSED = "501 .*(VERCEL_INTEGRATION_REQUIRED|SERVICE_UNAVAILABLE)"
# What the contract itself answers with 500 or above: by operation, what status and body look like, and where it says so.
EXPECTED_SERVER_ERRORS: dict[str, tuple[str, str]] = {
    "POST /api/v1/mogplex/runs": (
        "503 .*rate limit unavailable",
        "errors.md §1.1: a repository that is none",
    ),
    "GET /api/v1/mogplex/repos/{id}/env-vars": (_CLOSED, "v1.md §1.1: switched off"),
    "POST /api/v1/mogplex/repos/{id}/env-vars": (_CLOSED, "v1.md §1.1: switched off"),
    "DELETE /api/v1/mogplex/repos/{id}/env-vars": (_CLOSED, "v1.md §1.1: switched off"),
    "GET /api/repos/{id}/env-vars": (_CLOSED, "projects.md §4.9: needs an integration"),
    "POST /api/repos/{id}/env-vars": (_CLOSED, "projects.md §4.9: needs an integration"),
    "PATCH /api/repos/{id}/env-vars": (_CLOSED, "projects.md §4.9: needs an integration"),
    "DELETE /api/repos/{id}/env-vars": (_CLOSED, "projects.md §4.9: needs an integration"),
    "POST /api/auth/vercel/token": (_CLOSED, "errors.md §2.2: needs an integration"),
    "DELETE /api/auth/vercel/token": (_CLOSED, "errors.md §2.2: needs an integration"),
    "PATCH /api/profile/vercel-billing": (_CLOSED, "identity.md §10: needs an integration"),
    "POST /api/stripe/checkout": ("503 .*Billing is not enabled", "identity.md §9: nothing is sold here"),
    "POST /api/stripe/portal": ("503 .*Billing is not enabled", "identity.md §9: nothing is sold here"),
    "POST /api/webhooks/stripe": ("503 .*Billing is not enabled", "system.md §2.3: nothing is sold here"),
    "GET /api/cli/latest": ("503 .*manifest is unavailable", "identity.md §11: there is no release"),
    "POST /api/settings/api-keys": ("500 $", "identity.md §4: days beyond what a date can hold"),
    "PATCH /api/models": ("500 .*No model has the id", "identity.md §6.4: an unknown model"),
    "GET /api/repos": (_CAST, "identity.md §1.6: an id that is no UUID"),
    "POST /api/repos": (_CAST, "projects.md §3.4: what the database refuses"),
    "PATCH /api/repos": (_CAST, "projects.md §3.4: what the database refuses"),
    "POST /api/repos/{id}/models": (_CAST, "projects.md §4.2: an unknown model"),
    "POST /api/repos/{id}/rules": (_CAST, "projects.md §4.3: an unknown rule"),
    "POST /api/repos/{id}/skills": (_CAST, "projects.md §4.3: an unknown skill"),
    "GET /api/repos/{id}/launch-presets": ("500 .*Failed to load", "projects.md §4.4: an id that is no UUID"),
    "POST /api/repos/{id}/launch-presets": (
        "500 .*Failed to save",
        "projects.md §4.4: an id that is no UUID",
    ),
    "DELETE /api/repos/{id}/launch-presets/{preset_id}": (
        "500 .*Failed to delete",
        "projects.md §4.4: no UUID",
    ),
    "PATCH /api/workspaces/{id}": ("500 $", "projects.md §5.2: an id that is no UUID"),
    "GET /api/github/pulls": ("500 ", "projects.md §7: a number that is none"),
    "PUT /api/conversations": (_CAST, "library.md §12: a text that is no instant"),
    "POST /api/chat": ("500 .*essage", "library.md §13.2: messages that are none"),
    "GET /api/integrations/slack/installations/{team_id}/channels": ("500 .*no_bot_token", "library.md §14"),
    "POST /api/triggers": (_CAST, "routing.md §2: an event that is none"),
    "PUT /api/triggers": (_CAST + "|500 .*Cannot coerce", "routing.md §2: an unknown trigger"),
    "GET /api/flows/{flow_id}/runs": ("500 $", "routing.md §3.13: a limit that is no number"),
    "GET /api/observability/calls": (
        "500 .*Failed to fetch calls",
        "observability.md §0: a bound that is none",
    ),
    "GET /api/observability/jobs": ("500 $", "observability.md §0: a bound that is none"),
    "GET /api/observability/automation-events": ("500 $", "observability.md §0: a bound that is none"),
    "GET /api/observability/automation-failures": (_CAST, "observability.md §0: a bound that is none"),
    "POST /api/sandbox/{id}/exec": ("500 .*Working directory", "sandboxes.md §4.8: a failure"),
    "POST /api/sandbox/{id}/exec/cancel": ("500 .*is not running", "sandboxes.md §4.9: a failure"),
    "PUT /api/sandbox/{id}/files": ("500 .*is a directory", "sandboxes.md §4.10: a failure"),
    "DELETE /api/sandbox/{id}/tree": ("500 .*is a directory", "sandboxes.md §4.11: a failure"),
    "POST /api/webhooks/flows/{flow_id}": ("500 $", "routing.md §0: an id that is no UUID"),
    "POST /api/jobs/process": ("500 $", "system.md §3: an id that is no UUID"),
    "POST /api/agent/review": ("500 $", "system.md §3: an id that is no UUID"),
}
# A stream that is open until somebody leaves has tests of its own (test_realtime.py).
ENDLESS_STREAMS = {"GET /api/realtime/events"}
