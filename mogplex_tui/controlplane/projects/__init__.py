"""Repositories, workspaces and GitHub."""
