"""Every kind by name and alias. A kind is one module of this package; being there is all the registration it needs."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache

from mogplex_tui.operate.model import AnyKind

# Modules of this package that are no kind of the generic screens.
_OTHERS = frozenset({"registry", "runs"})

# What the tab line shows: the key, the title, the kind or screen. Known before any kind is loaded.
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


@cache
def kinds() -> Mapping[str, AnyKind]:
    """Return every kind of the generic screens by its name."""
    import pkgutil

    import mogplex_tui.operate.kinds as package

    modules = sorted({found.name for found in pkgutil.iter_modules(package.__path__)} - _OTHERS)
    return {kind.name: kind for kind in (kind_called(name.replace("_", "-")) for name in modules)}


def kind_called(name: str) -> AnyKind:
    """Return one kind without loading the others. Raises KeyError for a name that is none."""
    try:
        module = importlib.import_module(f"mogplex_tui.operate.kinds.{name.replace('-', '_')}")
        kind: AnyKind = module.KIND
    except (ImportError, AttributeError):
        raise KeyError(name) from None
    return kind


def find(word: str) -> AnyKind | None:
    """Return the kind that a name or an alias means, None for an unknown word."""
    wanted = word.strip().lower().removeprefix(":")
    for kind in kinds().values():
        if wanted == kind.name or wanted in kind.aliases:
            return kind
    return None
