"""The hosted service's defects and redirects; the documented profile skips it."""
