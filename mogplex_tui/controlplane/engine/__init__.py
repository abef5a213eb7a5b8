"""Carry out automations: run the nodes of their graphs, and end their jobs."""
