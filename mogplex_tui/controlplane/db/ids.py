"""Row ids from a seeded source, so that the same seed makes the same data."""

from __future__ import annotations

import random
import uuid


class Ids:
    """A seeded stream of UUIDs and short names; streams of different names differ."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._random = random.Random(seed)

    def uuid(self) -> str:
        """Return the next id, a valid version 4 UUID in lower case."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def opaque(self, prefix: str, length: int = 12) -> str:
        """Return a provider-style name such as `run_k3v9…`."""
        return prefix + "".join(self._random.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=length))

    def fork(self, name: str) -> Ids:
        """Return an independent stream with its own name."""
        return Ids(f"{self._seed}/{name}")
