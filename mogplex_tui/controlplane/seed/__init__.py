"""The seeded account: its people, repositories, automations and two weeks of work."""

from .build import build

__all__ = ["build"]
