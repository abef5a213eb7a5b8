"""What makes the embedded control plane live: work that arrives, runs, costs, waits, fails and ends by itself."""

from .simulator import Simulator

__all__ = ["Simulator"]
