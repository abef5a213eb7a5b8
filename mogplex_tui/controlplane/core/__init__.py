"""The objects that all code of the plane shares, and its simulated backends."""
