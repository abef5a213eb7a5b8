"""Housekeeping routes, which schedulers and workers call."""
