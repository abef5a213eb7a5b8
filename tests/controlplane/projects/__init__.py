"""Repositories, workspaces and GitHub as a caller gets them (projects.md)."""
