"""Written sample data as JSON files: users, repositories, models, prompts, texts."""
