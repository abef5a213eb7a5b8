"""State kept by the client: rows, polling, realtime hints, event tails and costs.

Nothing in this package imports textual.
"""
