"""Housekeeping routes for cron and for workers."""
