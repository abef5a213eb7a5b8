"""Runs of the v1 API: starting, reading and cancelling them."""
