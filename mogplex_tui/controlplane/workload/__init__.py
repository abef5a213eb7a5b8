"""Plans believable work from seeded random numbers: calls, tool uses and jobs."""
