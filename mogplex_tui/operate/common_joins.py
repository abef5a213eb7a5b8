"""Names that the lists of other kinds give to the ids in a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mogplex_tui.operate.paths import value

if TYPE_CHECKING:
    from mogplex_tui.live.session import Session


def automation_names(session: Session) -> Callable[[str | None], str | None]:
    """Return the function that names an automation by its id, from the list of automations."""
    automations = session.store.set("automations").rows

    def name_of(flow_id: str | None) -> str | None:
        found: str | None = value(automations.get(flow_id or ""), "name")
        return found

    return name_of
