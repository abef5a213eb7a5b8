"""Patch that makes Textual ignore terminal input that it cannot decode."""

from __future__ import annotations

import codecs
from functools import partial
from typing import Any


def tolerate_malformed_input() -> None:
    """Make Textual's driver tolerate input that would crash the application.

    Bytes that are not UTF-8 are read as U+FFFD. They come from pasted binary data, from a terminal
    with another encoding, and from a terminal that sets the eighth bit for alt. Malformed key codes of
    the kitty protocol, such as key codes with event types, are ignored. They come from a terminal that
    another program left in that mode. The driver has no option for either case, so this function
    replaces the decoder and the parser that the driver looks up in its module.
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
