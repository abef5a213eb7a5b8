"""Scenario files: the history that a plane starts with, and the events after it."""
