"""Defects and redirects of the hosted service; the hosted profile reproduces them."""
