"""Landings within the test's own process, for tests of what is kept between many of them."""

from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

import land
from landing import store, workers


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
    monkeypatch.setattr(land.check, "great_expectations", lambda: None)
    monkeypatch.setattr(land.check, "door", lambda *_: [])


@contextmanager
def killed_after(monkeypatch, steps: int):
    """Within it, the step that follows so many files put in place or taken away is a kill."""
    taken = 0

    def counting(step):
        def counted(*arguments, **options):
            nonlocal taken
            taken += 1
            if taken > steps:
                raise KeyboardInterrupt
            return step(*arguments, **options)

        return counted

    with monkeypatch.context() as patch:
        patch.setattr(store.os, "replace", counting(store.os.replace))
        patch.setattr(Path, "unlink", counting(Path.unlink))
        yield
