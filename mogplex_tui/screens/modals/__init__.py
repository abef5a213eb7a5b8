"""Dialogs over a screen: confirmations, forms, prompts and help."""
