"""Do work that every test would repeat once per process; imported for its effect.

No test is about any of it: a test that speaks TLS has a context of its own, and a path compiles the same twice.
"""

from __future__ import annotations

import functools
import gc
import importlib.util
import ssl
import sys
from typing import Any

import starlette.routing

from mogplex_tui.controlplane.db import database

# An HTTP client reads the machine's certificates, though it will only ever ask the loopback address in the clear.
_cached: Any = functools.cache(ssl.create_default_context)
ssl.create_default_context = _cached
# Every plane has the same routes.
starlette.routing.compile_path = functools.cache(starlette.routing.compile_path)
# The client's locks look for this package each time that one is made, and where there is none look everywhere.
if importlib.util.find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]
# A new plane starts from the same two megabytes; no test cuts the power, so none waits for the disk.
database._empty = functools.cache(database._empty)
_prepare = database.Database._prepare


def _prepare_without_sync(self: database.Database) -> None:
    _prepare(self)
    self._connection.execute("PRAGMA synchronous=OFF")


database.Database._prepare = _prepare_without_sync  # type: ignore[method-assign]
# What is left of a test is found yet when it is looked for seldom, and most objects are gone by then.
gc.set_threshold(50_000, 10, 10)
