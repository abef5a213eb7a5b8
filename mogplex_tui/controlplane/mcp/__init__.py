"""The plane as an MCP server: operations that call its own v1 routes."""
