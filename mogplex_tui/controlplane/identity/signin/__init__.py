"""The service's side of signing in: the login page, OAuth and sessions."""
