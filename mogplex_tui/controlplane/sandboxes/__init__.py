"""Sandboxes: records, lifecycle, commands, files and quotas."""
