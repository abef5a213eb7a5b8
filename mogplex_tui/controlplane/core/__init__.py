"""The running plane: settings, database, callbacks and upstream services."""
