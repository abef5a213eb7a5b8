"""Plan realistic work from seeded random numbers: calls, tool uses and jobs."""
