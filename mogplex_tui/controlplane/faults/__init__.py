"""Fault injection: rules, and their effects on requests and responses."""
