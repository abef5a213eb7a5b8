"""The declarations of the kinds of records, one module per kind.

`registry` finds the modules.
"""
