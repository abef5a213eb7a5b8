"""The written samples of the plane as JSON files: people, repositories, models, prompts and texts."""
