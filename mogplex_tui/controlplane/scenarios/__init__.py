"""The stories that a plane can tell, as files: what its past looks like, and what happens from now on."""
