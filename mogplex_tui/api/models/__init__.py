"""Models of request and response bodies, one module for each route family."""
