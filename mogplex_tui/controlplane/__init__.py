"""The embedded control plane: an imitation of the service with an SQLite database.

It serves demos, tests and offline work. It is written from the contract alone and shares no
code with the client, so that tests against it show where the client misreads the contract.
"""
