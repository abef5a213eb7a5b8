"""The hosted service's defects and its redirects to /login; the documented profile needs none of it."""
