"""AI calls as rows: writing, pricing, admission limits and their JSON."""
