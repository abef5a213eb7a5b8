"""Initial data: an account with users, repositories, flows, two weeks of work."""

from .build import build

__all__ = ["build"]
