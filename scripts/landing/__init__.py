"""Exported files become typed rows: cut into records (documents), read by one SQL file per format (readers), made
canonical in one place (spans, tables), and kept (store)."""


class Unreadable(ValueError):
    """A record that can't be read. Its text is the reason a person sees: what is wrong, what to do."""

    is_growing = False
