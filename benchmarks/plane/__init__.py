"""Measure the embedded control plane against bare servers and databases."""
