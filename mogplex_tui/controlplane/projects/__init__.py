"""Repositories, workspaces and a simulated GitHub."""
