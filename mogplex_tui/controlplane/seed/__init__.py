"""The initial data of a new database: the account, and two weeks of past work.

Most functions and classes only collect the rows to insert (db/batch_insert.py).
"""

from .build import build

__all__ = ["build"]
