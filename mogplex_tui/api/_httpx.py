"""The HTTP library without its own command line, which would load click, rich and pygments where they are there."""

from __future__ import annotations

import sys
from types import ModuleType


def _no_command_line() -> None:
    sys.exit("the command line of httpx is not loaded here")


if "httpx" not in sys.modules:
    _stand_in = ModuleType("httpx._main")
    _stand_in.main = _no_command_line  # type: ignore[attr-defined]
    sys.modules.setdefault("httpx._main", _stand_in)

import httpx  # noqa: E402 -- after its command line is out of the way

__all__ = ["httpx"]
