"""Faults on demand: rules, and what they do to a request and its response."""
