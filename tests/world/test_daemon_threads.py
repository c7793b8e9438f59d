"""Threads for calls that may hang: bounded, in order, and no reason for a process not to end."""

import subprocess
import sys
import threading
from functools import partial

import pytest

from reconciler.world.daemon_threads import DaemonThreads

PATIENCE_S = 60
"""Only reached when a test fails."""


def test_hanging_call_holds_up_no_other() -> None:
    threads = DaemonThreads(2, "t")
    release = threading.Event()
    hanging = threads.submit(lambda: release.wait(PATIENCE_S))
    assert [threads.submit(partial(abs, n)).result(PATIENCE_S) for n in range(3)] == [0, 1, 2]
    release.set()
    assert hanging.result(PATIENCE_S)
    threads.close()


def test_no_more_threads_than_allowed() -> None:
    threads = DaemonThreads(2, "bounded")
    release = threading.Event()
    futures = [threads.submit(lambda: release.wait(PATIENCE_S)) for _ in range(5)]
    names = {thread.name for thread in threading.enumerate() if thread.name.startswith("bounded-")}
    assert names == {"bounded-1", "bounded-2"}
    release.set()
    assert all(future.result(PATIENCE_S) for future in futures)
    threads.close()


def test_error_comes_out_where_the_result_is_asked_for() -> None:
    threads = DaemonThreads(1, "t")
    future = threads.submit(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        future.result(PATIENCE_S)
    threads.close()


@pytest.mark.slow
def test_process_ends_while_a_call_hangs() -> None:
    program = (
        "import time; from reconciler.world.daemon_threads import DaemonThreads;"
        "DaemonThreads(1, 't').submit(lambda: time.sleep(3600)); print('end')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    assert done.stdout == "end\n"
