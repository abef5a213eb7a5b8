"""Detects whether a web browser with its own window can be opened.

A browser that runs in the terminal would draw over the console.
"""

from __future__ import annotations

import os
import sys
from pathlib import PurePath

_IN_TERMINALS = frozenset({"browsh", "edbrowse", "elinks", "links", "links2", "lynx", "w3m", "www-browser"})


def has_browser() -> bool:
    """Return whether a graphical browser and a display are available."""
    if sys.platform in ("darwin", "win32"):
        return True
    if not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME")):
        return False
    import webbrowser

    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    return PurePath(str(getattr(browser, "name", ""))).name not in _IN_TERMINALS
