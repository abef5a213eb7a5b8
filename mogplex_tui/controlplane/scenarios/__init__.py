"""Scenarios as files: the past of a plane, and events from now on."""
