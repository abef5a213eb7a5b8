"""What an operator can see and do: kinds, actions and filters, without a terminal."""
