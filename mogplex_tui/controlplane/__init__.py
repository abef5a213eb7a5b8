"""The embedded control plane: an imitation of the service with an SQLite database.

It serves demos, tests and offline work. It is written from the contract alone and imports no
other package of the project: a misread fact in the client is not repeated here, so that
tests against the plane find it.
"""
