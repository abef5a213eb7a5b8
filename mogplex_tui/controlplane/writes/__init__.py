"""All changes of rows, as functions that work in a given transaction."""
