"""Models of request and response bodies, one module for each family of routes."""
