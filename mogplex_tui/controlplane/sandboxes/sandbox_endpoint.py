"""Authentication, ownership checks and other helpers of the sandbox routes.

sandboxes.md §0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from ..db.database import Row
from ..http import params
from ..http.authentication import Caller
from ..http.endpoints import ApiRequest, OpenEndpoint, refusal
from ..http.worker_credentials import USER_HEADER, delegated_user
from ..identity.active_team import active_team, team_scope
from . import sandbox_writes
from .states import PENDING
from .vm import sandbox_lookup

BASH = "tools.bash"
WRITE_FILE = "tools.write_file"

NOT_FOUND = "Not found"
SANDBOX_NOT_FOUND = "Sandbox not found"
NOT_READY = "Sandbox is not ready"
NO_FUNDS = "Hosted sandbox compute requires a positive billing balance"


class SandboxEndpoint(OpenEndpoint):
    """An endpoint under /api/sandbox.

    It accepts the service's own workers, API tokens and sessions. `handler_checks_caller` is True
    for routes that validate the body first; their handlers raise the 401 for a missing caller.
    """

    handler_checks_caller = False

    def authenticate(self, request: Request) -> Caller | None:
        """Return the caller of a request, or None if it is anonymous.

        If a worker of the service makes the request, the caller is the user in its user header. Raises
        401 (without Retry-After) for an anonymous request, unless `handler_checks_caller` is True.
        """
        header = request.headers.get("authorization", "")
        caller = delegated_user(self.service.plane, header, request.headers.get(USER_HEADER))
        caller = caller or super().authenticate(request)
        if caller is None and not self.handler_checks_caller:
            raise refusal(401, "Unauthorized")
        return caller


class BodyFirstSandboxEndpoint(SandboxEndpoint):
    """A SandboxEndpoint whose handlers validate the body before they check the caller."""

    handler_checks_caller = True


def require_caller(request: ApiRequest) -> None:
    """Raise 401 if the request is anonymous.

    Handlers of a BodyFirstSandboxEndpoint call this after they have validated the body.
    """
    if request.caller is None:
        raise refusal(401, "Unauthorized")


def team_of(request: ApiRequest) -> str | None:
    """Return the id of the request's active team, or None for the personal scope.

    Whether the caller is a member of the team is not checked.
    """
    team = active_team(request)
    return None if team is None else team.id


def require_capability(request: ApiRequest, capability: str) -> None:
    """Raise 403 if the caller's role in the active team lacks a capability."""
    team_scope(request, capability, f"Your team role does not allow this sandbox operation ({capability}).")


def own_sandbox(request: ApiRequest, missing: str = NOT_FOUND) -> Row:
    """Return the caller's sandbox whose id is in the path.

    Raises 404 with the message `missing` if the id is invalid or unknown, or if the sandbox belongs
    to another user.
    """
    record_id = request.path_id("id")
    row = sandbox_lookup.sandbox(request.plane.db, record_id) if params.is_uuid(record_id) else None
    if row is None or row["user_id"] != request.user_id:
        raise refusal(404, missing)
    return row


def current_record(request: ApiRequest, record_id: str, missing: str = SANDBOX_NOT_FOUND) -> Row:
    """Read a sandbox's record again, for example after a change.

    Raises 404 with the message `missing` if it was deleted.
    """
    row = sandbox_lookup.sandbox(request.plane.db, record_id)
    if row is None:
        raise refusal(404, missing)
    return row


def require_created(row: Row, text: str = NOT_READY) -> None:
    """Raise 409 if the sandbox's machine has not been created yet."""
    if row["sandbox_id"] == PENDING:
        raise refusal(409, text)


def has_hosted_compute(request: ApiRequest) -> bool:
    """Return whether the caller may use hosted compute (sandboxes.md §2.5)."""
    return bool(
        request.plane.db.value("SELECT allow_platform_sandbox FROM profiles WHERE id = ?", (request.user_id,))
    )


def wake_machine(request: ApiRequest, row: Row) -> None:
    """Wake the sandbox's machine if it is paused or halted.

    The status in the record is only updated when the sandbox is read the next time. Raises 402 if
    the caller has no funds, and 500 if the machine is missing or its provider does not answer
    (sandboxes.md §4.1, §4.8).
    """
    view = row["provider_view"]
    if view == "silent":
        raise refusal(500, f"The provider of sandbox VM {row['sandbox_id']} did not answer")
    asleep = row["status"] == "paused" and view is None
    if asleep or view == "halted":
        if not has_hosted_compute(request):
            raise refusal(402, NO_FUNDS)
        with request.plane.db.transaction(ids=request.service.ids) as tx:
            sandbox_writes.set_sandbox(tx, row["id"], provider_view="running")
    elif view in ("gone", "closing") or (view is None and row["status"] in ("stopped", "error")):
        raise refusal(500, f"Sandbox VM {row['sandbox_id']} does not exist")


def text_of(fields: Mapping[str, Any], name: str) -> str:
    """Return the value of a field if it is a string, and "" otherwise."""
    value = fields.get(name)
    return value if isinstance(value, str) else ""
