"""The embedded control plane: a Mogplex-speaking service over one SQLite file, for demos, tests and offline
work.

Written from the contract alone; it imports no other room, so that a misread fact cannot cancel out.
"""
