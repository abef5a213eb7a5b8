"""Sign-in as the service offers it: the login page, OAuth and sessions."""
