"""Readers that turn exported files into typed rows; one module per family of formats."""


class Unreadable(ValueError):
    """A record that can't be read. Its text is the reason a person sees: what is wrong, what to do."""
