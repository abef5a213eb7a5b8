"""The embedded control plane: a copy of the service over one SQLite file.

For demos, tests and offline work. It is written from the contract alone and imports no other package of the project, so
that a misread fact cannot cancel out.
"""
