"""Housekeeping: what cron and the workers ask for."""
