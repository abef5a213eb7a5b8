"""Sample data written by hand, as JSON files: users, repositories, models, texts."""
