"""Row ids: lower-case UUID text from a seeded source, so that the same seed tells the same story."""

from __future__ import annotations

import random
import uuid


class Ids:
    """A seeded stream of UUIDs and short opaque names; streams of different names never meet."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._random = random.Random(seed)

    def uuid(self) -> str:
        """The next id, a well-formed version 4 UUID in lower case."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def opaque(self, prefix: str, length: int = 12) -> str:
        """A provider-style name such as `run_k3v9…`: prefix and lower-case letters and digits."""
        return prefix + "".join(self._random.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=length))

    def fork(self, name: str) -> Ids:
        """An independent stream with a name of its own: what one consumer draws does not shift
        another's ids.
        """
        return Ids(f"{self._seed}/{name}")
