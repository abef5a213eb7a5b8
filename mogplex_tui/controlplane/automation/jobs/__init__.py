"""Rows of job runs: writing, cancelling and formatting them as JSON."""
