"""Typed methods for the routes of the service, one module for each route family.

Each method sends one request, unless its docstring says otherwise.
"""
