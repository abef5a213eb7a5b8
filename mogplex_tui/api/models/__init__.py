"""Models of what travels, one module a route family."""
