"""What the console knows and keeps fresh: store, scheduler, tails, costs. Knows nothing of the terminal."""
