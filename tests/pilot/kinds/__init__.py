"""Tests that hold for every kind of the console's registry, whatever it declares."""
