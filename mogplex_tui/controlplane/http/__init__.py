"""What HTTP routes are built on: routing, authentication, parameters and limits."""
