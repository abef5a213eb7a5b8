"""The embedded control plane against floors: bare routes, bare inserts, bare starts."""
