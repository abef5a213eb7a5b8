"""Every way the plane changes its rows: each function works in a given transaction and notes what realtime
announces.
"""
