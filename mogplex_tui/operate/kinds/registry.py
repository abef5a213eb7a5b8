"""Every kind by name and alias. A kind is one module of this package; being there is all the registration it needs."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from mogplex_tui.operate import model
from mogplex_tui.operate.kinds.base import Kind
from mogplex_tui.operate.kinds.typed import for_screens

_PARTS = frozenset({"base", "columns", "parts", "readings", "registry", "runs", "typed", "verb"})

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
def kinds() -> Mapping[str, Kind]:
    """Return every kind of the generic screens by its name."""
    import pkgutil

    import mogplex_tui.operate.kinds as package

    names = sorted({found.name for found in pkgutil.iter_modules(package.__path__)} - _PARTS)
    return {kind.name: kind for kind in (screen_kind(name.replace("_", "-")) for name in names)}


@cache
def screen_kind(name: str) -> Kind:
    """Return one kind as the screens take it, without loading the others. Raises ModuleNotFoundError."""
    kind = declaration(name)
    return for_screens(kind) if isinstance(kind, model.Kind) else kind


def declaration(name: str) -> Any:
    """Return a kind as its module declares it. Raises ModuleNotFoundError for a name that is none."""
    return importlib.import_module(f"mogplex_tui.operate.kinds.{name.replace('-', '_')}").KIND


def typed_kind(name: str) -> model.Kind[Any]:
    """Return a kind that is declared with `mogplex_tui.operate.model`. Raises KeyError for any other name."""
    kind = declaration(name)
    if not isinstance(kind, model.Kind):
        raise KeyError(name)
    return kind


def find(word: str) -> Kind | None:
    """Return the kind that a name or an alias means, None for an unknown word."""
    wanted = word.strip().lower().removeprefix(":")
    for kind in kinds().values():
        if wanted == kind.name or wanted in kind.aliases:
            return kind
    return None
