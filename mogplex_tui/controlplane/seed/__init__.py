"""Initial data of a new database: the account, and two weeks of past work."""

from .build import build

__all__ = ["build"]
