"""Job runs as rows: writing, cancelling and their JSON."""
