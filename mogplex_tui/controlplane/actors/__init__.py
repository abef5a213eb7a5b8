"""Actors that simulate activity: the scheduler, calls and sandboxes."""
