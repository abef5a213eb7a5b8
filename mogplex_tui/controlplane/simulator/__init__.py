"""Simulate the work of an account: arriving, running, waiting, failing, ending."""

from .simulator import Simulator

__all__ = ["Simulator"]
