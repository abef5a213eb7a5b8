"""Makes the actions that many kinds have: enable and disable, delete."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from mogplex_tui.operate.model import Action, Change, Confirmation, Row

if TYPE_CHECKING:
    from mogplex_tui.api.route_access import Family

# The text that a row shows while it is being enabled or disabled.
ENABLING, DISABLING = "enabling", "disabling"


def _no_reason(_: object) -> None:
    return None


def enable_and_disable(
    _: type[Row],
    set_enabled: Callable[[Change[Row], bool], Awaitable[object]],
    is_enabled: Callable[[Row], bool],
    family: Family,
    *,
    enable_help: str,
    disable_help: str,
    disable_consequence: str = "",
    unavailable_reason: Callable[[Row], str | None] = _no_reason,
) -> tuple[Action[Row], Action[Row]]:
    """Return the actions that enable and disable a record.

    Both work on several marked rows. If `disable_consequence` is given, the console asks for
    confirmation before it disables. `_` is the row class, because the type checker cannot infer
    it for a starred argument.
    """
    return (
        Action(
            "enable",
            "e",
            enable_help,
            lambda change: set_enabled(change, True),
            in_progress=ENABLING,
            done="{} is enabled.",
            families=(family,),
            unavailable_reason=lambda row: (
                unavailable_reason(row) or ("It is already enabled." if is_enabled(row) else None)
            ),
            is_bulk=True,
        ),
        Action(
            "disable",
            "d",
            disable_help,
            lambda change: set_enabled(change, False),
            in_progress=DISABLING,
            done="{} is disabled.",
            families=(family,),
            unavailable_reason=lambda row: (
                unavailable_reason(row) or (None if is_enabled(row) else "It is already disabled.")
            ),
            confirmation=(
                Confirmation([disable_consequence], "Disable", is_asked_in_command=False)
                if disable_consequence
                else None
            ),
            is_bulk=True,
        ),
    )


def delete(
    request: Callable[[Change[Row]], Awaitable[object]],
    consequence: str,
    family: Family,
    *,
    help: str = "Delete permanently",
    help_has_title: bool = True,
    unavailable_reason: Callable[[Row], str | None] = _no_reason,
) -> Action[Row]:
    """Return the action that deletes a record after a confirmation.

    `consequence` is the sentence of the confirmation.
    """
    return Action(
        "delete",
        "ctrl+d",
        help,
        request,
        in_progress="deleting",
        done="{} is deleted.",
        families=(family,),
        unavailable_reason=unavailable_reason,
        confirmation=Confirmation([consequence], "Delete"),
        in_footer=False,
        help_has_title=help_has_title,
    )
