"""Landings within the test's own process, for tests of what is kept between many of them."""

from concurrent.futures import Future

import land
from landing import workers


class Inline:
    """An executor that runs each task as it comes: no processes, no engine anew."""

    def __init__(self, *_, **_options):
        pass

    def shutdown(self, **_options):
        pass

    def submit(self, task, *arguments) -> Future:
        future = Future()
        try:
            future.set_result(task(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future


def inline(monkeypatch) -> None:
    """Nor does Great Expectations look at what lands: other tests see to that."""
    monkeypatch.setattr(workers, "ProcessPoolExecutor", Inline)
    monkeypatch.setattr(land.check, "warm", lambda: None)
    monkeypatch.setattr(land.check, "door", lambda *_: [])
