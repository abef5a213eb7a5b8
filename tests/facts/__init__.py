"""Facts of the contract that more than one test compares the product with."""
