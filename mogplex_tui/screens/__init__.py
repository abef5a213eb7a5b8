"""The console's screens, one module each with its style sheet beside it.

Screens declare what they show, and ask for actions; they never call the client.
"""
