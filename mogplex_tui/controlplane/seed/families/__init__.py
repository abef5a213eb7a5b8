"""Other data of the seeded account, one module per contract file.

Each has a function of the type Writer with its own random stream, so that a new one does not change the others' data.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from ...db.batch_insert import Rows
from ...workload.account import SeededAccount
from . import automation, identity, integrations, library, projects

Writer = Callable[[Rows, SeededAccount, Random, int], None]

# Name of the stream and the function; parents come before children.
FAMILIES: tuple[tuple[str, Writer], ...] = (
    ("identity", identity.write),
    ("library", library.write),
    ("projects", projects.write),
    ("routing", automation.write),
    ("tools", integrations.write),
)
