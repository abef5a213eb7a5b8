"""Execute automation jobs: run the nodes of their graphs and record the results."""
