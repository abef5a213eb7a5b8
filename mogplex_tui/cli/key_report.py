"""Reports custom key bindings for `info` and `doctor`, and why some are rejected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mogplex_tui.config.settings import Settings

if TYPE_CHECKING:
    from mogplex_tui.cli.output import Output


def override_rows(settings: Settings) -> tuple[list[tuple[str, str, str]], Mapping[str, str]]:
    """Return a row for each known id in `[keys]`, and the reasons of rejections.

    A row is the entry's name, its keys in effect and the origin of these keys. The reasons are
    a mapping by the id of the entry.
    """
    configured = settings.keys
    if not configured.value:
        return [], {}
    from mogplex_tui.operate.key_overrides import key_owners, validate_overrides

    targets, overrides = key_owners(), validate_overrides(configured.value, configured.origin)
    rows = [
        (
            f"keys.{id}",
            _key_text(overrides.keys.get(id, targets[id].defaults)),
            configured.origin if id in overrides.keys else "default",
        )
        for id in configured.value
        if id in targets
    ]
    return rows, overrides.refused


def all_bindings(settings: Settings) -> list[dict[str, Any]]:
    """Return the id, keys, origin and description of each binding.

    Only bindings that can be overridden are included.
    """
    from mogplex_tui.operate.key_overrides import key_owners, validate_overrides

    overrides = validate_overrides(settings.keys.value, settings.keys.origin).keys
    return [
        {
            "id": owner.id,
            "keys": list(overrides.get(owner.id, owner.defaults)),
            "origin": settings.keys.origin if owner.id in overrides else "default",
            "description": owner.title,
        }
        for owner in key_owners().values()
    ]


def print_all(output: Output, settings: Settings) -> None:
    """Print all bindings that can be overridden, as a table or as JSON objects."""
    from mogplex_tui.cli.output import Column

    bindings = all_bindings(settings)
    if output.as_json:
        for binding in bindings:
            output.object("key", binding)
        return
    rows = [
        (binding["id"], _key_text(binding["keys"]), binding["origin"], binding["description"])
        for binding in bindings
    ]
    output.table([Column("ID"), Column("KEYS"), Column("FROM"), Column("WHAT")], rows, whole=True)


def print_refused(output: Output, refused: Mapping[str, str]) -> None:
    """Print the rejected key overrides with the reasons."""
    if output.as_json:
        for id, reason in refused.items():
            output.object("problem", {"name": f"keys.{id}", "says": reason})
    elif refused:
        output.line("")
        output.line("Rejected")
        for reason in refused.values():
            output.paragraph(reason, indent="  ")


def _key_text(keys: tuple[str, ...] | list[str]) -> str:
    """Return keys in the syntax of the config file."""
    from mogplex_tui.config.keymap import display_name

    return " ".join(display_name(key) for key in keys)
