"""Further initial data, with one module for each file of the contract.

Each module has a function of the type Writer. It gets its own random numbers, so that a new
module does not change the data of the others.
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
