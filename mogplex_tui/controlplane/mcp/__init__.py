"""The plane as an MCP server, whose tools call the plane's v1 routes."""
