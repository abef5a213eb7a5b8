"""Automations, assignments, triggers, approvals and webhooks."""
