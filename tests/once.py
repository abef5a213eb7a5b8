"""What would cost each test the same again is done once in a process of the suite; imported for what it does.

None of it is what a test is about: no test speaks TLS without a context of its own, and a path compiles the same twice.
"""

from __future__ import annotations

import functools
import gc
import importlib.util
import ssl
import sys
from typing import Any

import starlette.routing

# An HTTP client reads the machine's certificates, though it will only ever ask the loopback address in the clear.
_cached: Any = functools.cache(ssl.create_default_context)
ssl.create_default_context = _cached
# Every plane has the same routes.
starlette.routing.compile_path = functools.cache(starlette.routing.compile_path)
# The client's locks look for this package each time that one is made, and where there is none look everywhere.
if importlib.util.find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]
# What is left of a test is found yet when it is looked for seldom, and most objects are gone by then.
gc.set_threshold(50_000, 10, 10)
