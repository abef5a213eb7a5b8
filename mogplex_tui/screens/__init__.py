"""The screens of the console: one module each, with its style sheet beside it.

A screen declares the data that it shows and asks for actions; it never calls the API client.
"""
