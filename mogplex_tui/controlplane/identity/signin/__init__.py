"""Sign-in on the side of the service: the login page, OAuth and sessions."""
