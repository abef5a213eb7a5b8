"""Keeps a cache of Textual from holding on to the drawn lines of every widget that is long gone."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from textual._styles_cache import StylesCache


def share_backgrounds() -> None:
    """Let all widgets share the cache of their backgrounds; it knows nothing of the widget that asks.

    Textual remembers the last 1,024 answers of `StylesCache.get_inner_outer` together with the object that was asked,
    and with that the lines which it has drawn: fifty megabytes after some hours of opening and closing screens.
    """
    held: Any = StylesCache.__dict__.get("get_inner_outer")
    compute = getattr(held, "__wrapped__", None)
    if compute is None or isinstance(held, staticmethod):
        # Done already, or another Textual that does not remember it so.
        return

    @lru_cache(1024)
    def shared(base_background: Any, background: Any) -> Any:
        return compute(None, base_background, background)

    StylesCache.get_inner_outer = staticmethod(shared)  # type: ignore[assignment, method-assign]
