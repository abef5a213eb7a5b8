"""Patch for a Textual cache that keeps removed widgets in memory."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from textual._styles_cache import StylesCache


def share_backgrounds() -> None:
    """Patch Textual's cache of background styles so that it references no widgets.

    Textual caches the last 1,024 results of `StylesCache.get_inner_outer` together with the object
    that the method was called on, and so keeps the drawn lines of that object in memory: 50 MB after
    some hours of opening and closing screens.
    """
    held: Any = StylesCache.__dict__.get("get_inner_outer")
    compute = getattr(held, "__wrapped__", None)
    if compute is None or isinstance(held, staticmethod):
        # Already patched, or a version of Textual without this cache.
        return

    @lru_cache(1024)
    def shared(base_background: Any, background: Any) -> Any:
        return compute(None, base_background, background)

    StylesCache.get_inner_outer = staticmethod(shared)  # type: ignore[assignment, method-assign]
