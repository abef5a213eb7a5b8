"""What the seeded account holds besides its work, one module a family of the contract.

Each has a function like Writer; it draws from a stream of its own, so that a new family shifts nobody's story.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from ...db.row_batches import Rows
from ...workload.account import World
from . import identity, library, projects, routing, tools

Writer = Callable[[Rows, World, Random, int], None]

# Name of the stream and the function; parents come before children.
FAMILIES: tuple[tuple[str, Writer], ...] = (
    ("identity", identity.write),
    ("library", library.write),
    ("projects", projects.write),
    ("routing", routing.write),
    ("tools", tools.write),
)
