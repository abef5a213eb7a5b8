"""The objects that all code of the control plane shares, and simulated backends."""
