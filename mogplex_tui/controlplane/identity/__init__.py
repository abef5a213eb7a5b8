"""Accounts, teams, API keys, models and signing in."""
