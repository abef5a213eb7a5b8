"""Import httpx without its command-line module, which would load click and rich."""

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

# httpx (and pydantic, the last one) imports these with the first request, which would block the event loop. Import this
# module in a thread if a loop is running.
for _name in ("httpcore", "anyio", "anyio._backends._asyncio", "importlib.metadata"):
    with contextlib.suppress(ImportError):
        import_module(_name)

__all__ = ["httpx"]
