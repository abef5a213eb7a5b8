"""The screens of the console: one module each, with its style sheet beside it.

A screen declares which data it shows and asks other objects to run actions; it never calls the
API client.
"""
