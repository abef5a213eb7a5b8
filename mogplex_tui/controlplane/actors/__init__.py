"""Actors in simulated time: the scheduler, the calls and the sandboxes."""
