"""Injected faults: rules, and their effects on requests and responses."""
