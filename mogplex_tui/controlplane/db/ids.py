"""Row ids drawn from a seed, so that equal seeds give equal data."""

from __future__ import annotations

import random
import uuid


class Ids:
    """A stream of pseudorandom ids; equal seeds give equal streams."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._random = random.Random(seed)

    def uuid(self) -> str:
        """Return a new random UUID (version 4) in lower case."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def opaque(self, prefix: str, length: int = 12) -> str:
        """Return `prefix` and `length` random letters and digits, such as `run_k3v9…`."""
        return prefix + "".join(self._random.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=length))

    def fork(self, name: str) -> Ids:
        """Return an independent stream seeded with this stream's seed and a name."""
        return Ids(f"{self._seed}/{name}")
