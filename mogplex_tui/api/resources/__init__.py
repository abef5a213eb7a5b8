"""Thin typed methods, one module a route family: one method is one request."""
