"""`make pull`: pages of providers' APIs, fetched into the inbox by a table of endpoints (endpoints.yml)."""


class Failed(Exception):
    """A source that can't be pulled: one sentence on what happened and what to do; never with a key."""


class ServerFailed(Failed):
    """The same of a whole server, whose other endpoints would fail alike."""
