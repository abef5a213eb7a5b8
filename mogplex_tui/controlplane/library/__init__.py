"""Agents, skills, rules, commands and memories of an account."""
