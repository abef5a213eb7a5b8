"""Keys are heard before a picture is taken."""

from __future__ import annotations

from tests.pilot import hearing

hearing.install()
