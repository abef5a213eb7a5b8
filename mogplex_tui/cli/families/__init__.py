"""The headless commands of the route families: one small module each, and one mechanism for all of them.

A module declares a `Family`: its columns, how it is read with each kind of credential, and what an operator does to
one of its records. `machine` turns that into `list`, `get` and a verb an action; nothing else is written twice.
"""
