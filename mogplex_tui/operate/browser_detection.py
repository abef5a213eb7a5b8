"""Detects whether a web browser can open in a window of its own.

A browser that runs in the terminal would take it over from the console.
"""

from __future__ import annotations

import os
import sys
from pathlib import PurePath

_IN_TERMINALS = frozenset({"browsh", "edbrowse", "elinks", "links", "links2", "lynx", "w3m", "www-browser"})


def has_browser() -> bool:
    """Return whether a browser with a window, and a display for it, are available."""
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
