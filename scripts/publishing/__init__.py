"""Marts go where others read them: what is published (marts), into a warehouse (warehouse, in its dialect), or as
Parquet with a manifest (folder)."""


class Refused(Exception):
    """Nothing was published. The text is what a person reads: what stands in the way, and what to do."""

    def __init__(self, said: str, code: int = 1):
        super().__init__(said)
        self.code = code  # the program's exit code: 2 where the call is wrong
