"""Report custom key bindings for `info` and `doctor`, and why some are rejected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mogplex_tui.config.settings import Settings

if TYPE_CHECKING:
    from mogplex_tui.cli.output import Output


def told(settings: Settings) -> tuple[list[tuple[str, str, str]], Mapping[str, str]]:
    """Return a row for each valid `[keys]` entry, and the reasons of rejected ones.

    A row is the entry's name, its keys in effect and where they come from. The reasons are by the id of the entry.
    """
    asked = settings.keys
    if not asked.value:
        return [], {}
    from mogplex_tui.operate.key_overrides import owners, settle

    known, settled = owners(), settle(asked.value, asked.origin)
    rows = [
        (
            f"keys.{id}",
            _written(settled.keys.get(id, known[id].defaults)),
            asked.origin if id in settled.keys else "default",
        )
        for id in asked.value
        if id in known
    ]
    return rows, settled.refused


def every(settings: Settings) -> list[dict[str, Any]]:
    """Return all bindings that can be overridden: id, keys, origin and description."""
    from mogplex_tui.operate.key_overrides import owners, settle

    chosen = settle(settings.keys.value, settings.keys.origin).keys
    return [
        {
            "id": owner.id,
            "keys": list(chosen.get(owner.id, owner.defaults)),
            "origin": settings.keys.origin if owner.id in chosen else "default",
            "says": owner.says,
        }
        for owner in owners().values()
    ]


def print_every(output: Output, settings: Settings) -> None:
    """Print all bindings that can be overridden, as a table or as JSON objects."""
    from mogplex_tui.cli.output import Column

    found = every(settings)
    if output.as_json:
        for each in found:
            output.object("key", each)
        return
    rows = [(each["id"], _written(each["keys"]), each["origin"], each["says"]) for each in found]
    output.table([Column("ID"), Column("KEYS"), Column("FROM"), Column("WHAT")], rows, whole=True)


def print_refused(output: Output, refused: Mapping[str, str]) -> None:
    """Print the rejected overrides with the reasons, if there are any."""
    if output.as_json:
        for id, why in refused.items():
            output.object("problem", {"name": f"keys.{id}", "says": why})
    elif refused:
        output.line("")
        output.line("Not taken")
        for why in refused.values():
            output.paragraph(why, indent="  ")


def _written(keys: tuple[str, ...] | list[str]) -> str:
    """Return keys in the syntax of the config file."""
    from mogplex_tui.config.keymap import sign

    return " ".join(sign(key) for key in keys)
