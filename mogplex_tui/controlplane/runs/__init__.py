"""Runs of the v1 API: start, read and cancel them."""
