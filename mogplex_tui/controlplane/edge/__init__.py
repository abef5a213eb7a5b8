"""What stands before the routes: faults on demand, and the edge and the defects of the hosted service (auth.md §3)."""
