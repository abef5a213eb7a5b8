"""Simulated sandbox machines: their files, their shell and how they boot.

sandboxes.md §7.
"""
