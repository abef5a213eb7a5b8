"""The running plane that every part shares: settings, database, callbacks and upstream services."""
