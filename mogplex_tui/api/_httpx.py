"""The HTTP library without its own command line, which would load click, rich and pygments where they are there."""

from __future__ import annotations

import contextlib
import sys
from importlib import import_module
from types import ModuleType


def _no_command_line() -> None:
    sys.exit("the command line of httpx is not loaded here")


if "httpx" not in sys.modules:
    _stand_in = ModuleType("httpx._main")
    _stand_in.main = _no_command_line  # type: ignore[attr-defined]
    sys.modules.setdefault("httpx._main", _stand_in)

import httpx  # noqa: E402 -- after its command line is out of the way

# It (and pydantic, the last) loads these at the first request, which would hold up the event loop then; who imports
# this module beside a running loop does it in a thread.
for _name in ("httpcore", "anyio", "anyio._backends._asyncio", "importlib.metadata"):
    with contextlib.suppress(ImportError):
        import_module(_name)

__all__ = ["httpx"]
