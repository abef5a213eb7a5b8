"""One module a screen, its style sheet beside it. Screens declare what they show and ask for actions."""
