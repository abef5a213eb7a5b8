"""Kinds, actions and filters of the console and the commands, without a terminal."""
