"""What an operator can do and see: actions, kinds, filters and words. Knows nothing of the terminal."""
