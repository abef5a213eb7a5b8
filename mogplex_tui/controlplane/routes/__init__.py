"""The routes of the plane, one module a family; each handler answers from the database or raises a
refusal.
"""
