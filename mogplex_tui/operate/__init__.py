"""Declarations and logic that the console and the command line share.

The modules declare kinds of records, actions and filters. None of them draws on a terminal.
"""
