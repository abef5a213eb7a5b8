"""The kinds of records, one module each; `registry` finds them."""
