"""AI calls: writing, pricing, limits, validation and formatting as JSON."""
