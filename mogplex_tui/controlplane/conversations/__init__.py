"""Chats and stored transcripts."""
