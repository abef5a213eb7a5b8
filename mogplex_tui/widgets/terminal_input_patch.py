"""Patch that makes Textual ignore terminal input that it cannot read."""

from __future__ import annotations

import codecs
from functools import partial
from typing import Any


def tolerate_malformed_input() -> None:
    """Make Textual's driver tolerate input that would crash the application.

    Bytes that are not UTF-8 come from a paste of binary data, from a terminal with another encoding, and from one that
    sets the eighth bit for alt; they are read as U+FFFD. Key codes of the kitty protocol with event types come from a
    terminal that another program left in that mode; they are ignored. The driver has no option for either, so the names
    by which it finds its decoder and its parser are replaced.
    """
    try:
        from textual.drivers import linux_driver as driver_module
    except ImportError:
        # Windows has another driver, which reads characters.
        return
    from textual import events
    from textual._xterm_parser import XTermParser
    from textual.keys import Keys

    class TolerantParser(XTermParser):
        def _parse_extended_key(self, sequence: str) -> list[events.Key] | None:  # type: ignore[override]
            try:
                return super()._parse_extended_key(sequence)
            except (ValueError, OverflowError):
                return [events.Key(Keys.Ignore, None)]

    names: Any = driver_module
    names.getincrementaldecoder = _tolerant_decoder
    names.XTermParser = TolerantParser


def _tolerant_decoder(encoding: str) -> Any:
    return partial(codecs.getincrementaldecoder(encoding), errors="replace")
