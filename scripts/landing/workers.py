"""The processes that examine and read files. One that is killed costs the file that killed it, and no other."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children
from threading import Thread
from typing import Any, NamedTuple

from landing import Unreadable, faults
from landing.work import Progress, release

TICK = 0.5  # seconds between looks at the progress


class Job(NamedTuple):
    key: Any
    do: Callable
    arguments: tuple


class Workers:
    """A pool of processes that is set up again when one of them dies."""

    def __init__(self) -> None:
        self.count = os.cpu_count() or 1
        self.beside_us: list[Thread] = []
        Progress.begin()
        self.pool = self._pool(self.count)

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, _, error: BaseException | None, *__) -> None:
        if error is not None:  # the landing stops before its end, and they stop at once
            for process in active_children():
                process.terminate()
        self.pool.shutdown(cancel_futures=True)

    def beside(self, work: Callable[[], object]) -> None:
        """Do something in a thread of this process."""
        self.beside_us.append(Thread(target=work, daemon=True))
        self.beside_us[-1].start()

    @staticmethod
    def progress() -> tuple[int, int]:
        return Progress.now()

    def run(self, jobs: deque[Job], show: Callable[[], None] = lambda: None) -> Iterator[tuple[Job, Any]]:
        """(job, what it returned, or the exception that it raised) as they come; jobs may be added meanwhile.

        Few are under way at a time, so that few are suspects when a process dies.
        """
        under_way: dict[Future, Job] = {}
        while jobs or under_way:
            is_broken = False
            try:
                while jobs and len(under_way) < 2 * self.count:
                    under_way[self.pool.submit(jobs[0].do, *jobs[0].arguments)] = jobs[0]
                    jobs.popleft()
                done, _ = wait(under_way, timeout=TICK, return_when=FIRST_COMPLETED)
            except BrokenProcessPool:
                done, is_broken = {future for future in under_way if future.done()}, True
            show()
            suspects = []
            for future in done:
                job, error = under_way.pop(future), future.exception()
                if isinstance(error, BrokenProcessPool):
                    suspects.append(job)
                elif error is not None and not isinstance(error, Exception):
                    raise error
                else:
                    yield job, future.result() if error is None else error
            if suspects or is_broken:
                suspects += under_way.values()
                under_way = {}
                for job in suspects:
                    yield job, self._alone(job)
                self._renew(self.count)

    def _alone(self, job: Job) -> Any:
        """What a job gives in a process of its own: if that dies too, it was this job that killed it."""
        self._renew(1)
        try:
            return self.pool.submit(job.do, *job.arguments).result()
        except BrokenProcessPool:
            return Unreadable(faults.DIED)
        except Exception as error:
            return error

    def _renew(self, count: int) -> None:
        self.pool.shutdown(cancel_futures=True)
        for thread in self.beside_us:  # a process that forks while a thread imports inherits its locks
            thread.join()
        Progress.renew()
        self.pool = self._pool(count)

    @staticmethod
    def _pool(count: int) -> ProcessPoolExecutor:
        release()
        return ProcessPoolExecutor(count, initializer=Progress.share, initargs=(Progress.bytes, Progress.rows))
