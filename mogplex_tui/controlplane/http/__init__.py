"""The base of all HTTP routes: routing, authentication, parameters and limits."""
