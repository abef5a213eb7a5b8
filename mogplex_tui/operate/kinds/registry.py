"""Finds kinds by name and alias.

A kind is a module of this package. No other registration is needed.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache

from mogplex_tui.operate.model import AnyKind

# Modules of this package that are not kinds of the generic screens.
_OTHERS = frozenset({"registry", "runs"})

# The tabs: key, title, and name of the kind or screen. Known before any kind is imported.
TABS: tuple[tuple[str, str, str], ...] = (
    ("1", "Runs", "runs"),
    ("2", "Projects", "projects"),
    ("3", "Agents", "agents"),
    ("4", "Assignments", "assignments"),
    ("5", "Sandboxes", "sandboxes"),
    ("6", "Observability", "observability"),
    ("7", "Models", "models"),
    ("8", "Settings", "settings"),
)

# All lists, in the order in which the palette shows them.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "Work": ("runs", "jobs", "approvals", "failures", "dispatch", "sandboxes", "conversations"),
    "Automation": ("automations", "assignments", "triggers"),
    "Library": ("agents", "models", "skills", "rules", "commands", "memories"),
    "Sources": ("projects", "installations", "connections", "mcp-servers"),
    "Account": ("settings", "contexts", "teams", "members", "api-keys", "provider-keys"),
}


@cache
def kinds() -> Mapping[str, AnyKind]:
    """Return the kinds that the generic screens show, by name.

    Imports the module of each.
    """
    import pkgutil

    import mogplex_tui.operate.kinds as package

    modules = sorted({module.name for module in pkgutil.iter_modules(package.__path__)} - _OTHERS)
    return {kind.name: kind for kind in (load_kind(name.replace("_", "-")) for name in modules)}


def load_kind(name: str) -> AnyKind:
    """Import the module of one kind and return the kind.

    Raises KeyError for an unknown name.
    """
    try:
        module = importlib.import_module(f"mogplex_tui.operate.kinds.{name.replace('-', '_')}")
        kind: AnyKind = module.KIND
    except (ImportError, AttributeError):
        raise KeyError(name) from None
    return kind


def find_kind(word: str) -> AnyKind | None:
    """Return the kind with this name or alias, None if there is none."""
    name = word.strip().lower().removeprefix(":")
    for kind in kinds().values():
        if name == kind.name or name in kind.aliases:
            return kind
    return None
