"""The graphs of automations: node data, edges and validation."""
