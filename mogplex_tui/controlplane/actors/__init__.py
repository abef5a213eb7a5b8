"""What acts over simulated time: the scheduler, calls that play out, sandboxes."""
