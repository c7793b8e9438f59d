"""A few threads for calls that may hang; it must not know what is called.

concurrent.futures' own pool waits for its threads when the interpreter ends, so that one hanging call would keep a
controller from ever ending.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class DaemonThreads:
    """A bounded set of daemon threads, made as they are needed."""

    def __init__(self, limit: int, name: str) -> None:
        self._limit = limit
        self._name = name
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._count = 0
        self._unfinished = 0

    def submit(self, function: Callable[[], T]) -> Future[T]:
        """Run a function in one of the threads, after those that were submitted before when all are busy."""
        future: Future[T] = Future()
        self._jobs.put((future, function))
        with self._lock:
            self._unfinished += 1
            if self._unfinished > self._count < self._limit:
                self._count += 1
                threading.Thread(target=self._run, name=f"{self._name}-{self._count}", daemon=True).start()
        return future

    def close(self) -> None:
        """Let each thread end after its present call; what is still queued before this is run first."""
        for _ in range(self._limit):
            self._jobs.put(None)

    def _run(self) -> None:
        while True:
            job = self._jobs.get()
            if job is None:
                return
            _carry_out(*job)
            # Nothing of the call may be held while waiting for the next: a connection closes when nobody holds it.
            del job
            with self._lock:
                self._unfinished -= 1


def _carry_out(future: Future[Any], function: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = function()
    except BaseException as error:  # noqa: BLE001 - it is raised again where the result is asked for
        future.set_exception(error)
    else:
        future.set_result(result)
