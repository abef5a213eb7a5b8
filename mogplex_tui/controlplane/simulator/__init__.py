"""Simulate the work of an account: calls, runs and jobs start, proceed and end."""

from .simulator import Simulator

__all__ = ["Simulator"]
