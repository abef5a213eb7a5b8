"""Dialogs that lie over a screen: a question, a form, the keys."""
