"""The operator console for Mogplex."""

__version__ = "0.1.0"
