"""Cache setup work that tests would repeat, once per process, when imported.

No test checks this work: a test that uses TLS makes its own context, and compiled paths do not change.
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

# Each HTTP client would load the system's certificates, although tests use plain HTTP on loopback.
_cached: Any = functools.cache(ssl.create_default_context)
ssl.create_default_context = _cached
# Every plane has the same routes.
starlette.routing.compile_path = functools.cache(starlette.routing.compile_path)
# Each lock of the HTTP client tries to import sniffio; a failed import searches the whole path again.
if importlib.util.find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]
# Every new plane starts from the same empty database. No test needs durability, so SQLite does not sync.
database._empty = functools.cache(database._empty)
_prepare = database.Database._prepare


def _prepare_without_sync(self: database.Database) -> None:
    _prepare(self)
    self._connection.execute("PRAGMA synchronous=OFF")


database.Database._prepare = _prepare_without_sync  # type: ignore[method-assign]
# Collect garbage less often: most objects are freed by reference counting.
gc.set_threshold(50_000, 10, 10)
