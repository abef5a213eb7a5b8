"""Whether a browser would open in a window; one that takes over the terminal is of no use to who sits in it."""

from __future__ import annotations

import os
import sys
from pathlib import PurePath

_IN_TERMINALS = frozenset({"browsh", "edbrowse", "elinks", "links", "links2", "lynx", "w3m", "www-browser"})


def has_browser() -> bool:
    """Return whether there is a browser with a window of its own, and a screen for that."""
    if sys.platform in ("darwin", "win32"):
        return True
    if not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME")):
        return False
    import webbrowser

    try:
        found = webbrowser.get()
    except webbrowser.Error:
        return False
    return PurePath(str(getattr(found, "name", ""))).name not in _IN_TERMINALS
