"""The logs of a sandbox, read from v1 or from the sandbox's record.

Only v1 also returns the lifecycle steps (v1.md §4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mogplex_tui.api.errors import NotAllowed, NotFound
from mogplex_tui.api.route_access import Family
from mogplex_tui.live import redact
from mogplex_tui.live.log_tail import LogLine, lines_of

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.sandboxes import LifecycleEvent
    from mogplex_tui.live.session import Session


def uses_v1(session: Session) -> bool:
    """Return whether the logs are read from v1, which accepts only tokens."""
    return session.attached and session.target.token is not None and session.may_request(Family.V1)


async def read(
    client: ClientView, session: Session, sandbox_id: str, install_log: str | None, dev_log: str | None
) -> list[LogLine]:
    """Return the lines of a sandbox's install log, dev log and lifecycle steps.

    The logs come first, and each part is ordered from oldest to newest. `install_log` and `dev_log`
    are the logs in the sandbox's record. They are returned, without steps, if v1 cannot be used or
    refuses the request, as it does for sandboxes of a team. Raises MogplexError.
    """
    if uses_v1(session):
        try:
            logs = await client.sandboxes.logs(sandbox_id)
        except (NotAllowed, NotFound):
            pass
        else:
            steps = map(_step, logs.lifecycle_events)
            return [*_log_lines(logs.sandbox.install_log, logs.sandbox.dev_log), *steps]
    return _log_lines(install_log, dev_log)


def _log_lines(install: str | None, dev: str | None) -> list[LogLine]:
    return [*lines_of("install", install, "dim"), *lines_of("dev", dev)]


def _step(event: LifecycleEvent) -> LogLine:
    event_text = event.event_type.replace("_", " ")
    if event.decision_code and event.decision_code != event.event_type:
        event_text += f": {event.decision_code.removeprefix('auto_pause_').replace('_', ' ')}"
    tone = "warn" if "failed" in event_text else "accent"
    return LogLine(
        "life", event_text, event.created_at, tone, raw=redact.payload(event.model_dump(mode="json"))
    )
