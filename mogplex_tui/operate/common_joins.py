"""What the lists of other kinds say of the ids in a row: names, and open questions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mogplex_tui.operate.paths import value

if TYPE_CHECKING:
    from mogplex_tui.live.session import Session


def jobs_waiting_for_a_person(session: Session) -> frozenset[str]:
    """Return the ids of the jobs that have an open question: the service says that they run."""
    approvals = [item.record for item in session.store.set("approvals").rows.values()]
    found = (value(each, "job_run_id") for each in approvals if value(each, "status") == "waiting")
    return frozenset(job_id for job_id in found if job_id)


def automation_names(session: Session) -> Callable[[str | None], str | None]:
    """Return the function that names an automation by its id, from the list of automations."""
    automations = session.store.set("automations").rows

    def name_of(flow_id: str | None) -> str | None:
        found: str | None = value(automations.get(flow_id or ""), "name")
        return found

    return name_of
