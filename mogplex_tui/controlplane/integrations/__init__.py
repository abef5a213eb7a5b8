"""Connections, custom MCP servers and Slack."""
