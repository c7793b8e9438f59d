"""The loop: timers in order, signals outside of callbacks, nobody called after being forgotten."""

from __future__ import annotations

import os
import signal

from agent.event_loop import READ, EventLoop


def test_timers_run_in_order_and_cancelled_ones_never() -> None:
    loop, ran = EventLoop(), []
    loop.call_later(0.02, lambda: ran.append("late"))
    loop.call_later(0, lambda: ran.append("first"))
    loop.call_later(0, lambda: ran.append("second"))
    never = loop.call_later(0.001, lambda: ran.append("never"))
    never.cancel()
    never.cancel()
    loop.call_later(0.03, loop.stop)
    loop.run()
    assert ran == ["first", "second", "late"]


def test_a_timer_that_sets_itself_anew_does_not_starve_the_sockets() -> None:
    loop = EventLoop()
    reader, writer = os.pipe()

    def again() -> None:
        loop.call_later(0, again)

    loop.watch(reader, READ, lambda _events: loop.stop())
    again()

    def write() -> None:
        os.write(writer, b"x")

    loop.call_later(0.01, write)
    loop.run()
    os.close(reader)
    os.close(writer)


def test_what_was_forgotten_in_a_callback_is_not_called() -> None:
    loop, called = EventLoop(), []
    pipes = [os.pipe() for _ in range(2)]
    for reader, writer in pipes:
        os.write(writer, b"x")

        def forget_all(_events: int, reader: int = reader) -> None:
            called.append(reader)
            for other, _ in pipes:
                loop.forget(other)
            loop.call_later(0, loop.stop)

        loop.watch(reader, READ, forget_all)
    loop.run()
    assert len(called) == 1
    for pair in pipes:
        for descriptor in pair:
            os.close(descriptor)


def test_a_signal_is_told_by_the_loop() -> None:
    loop, got = EventLoop(), []
    before = signal.getsignal(signal.SIGUSR1)

    def note() -> None:
        got.append("usr1")
        loop.stop()

    try:
        loop.on_signal(signal.SIGUSR1, note)
        loop.call_later(0, lambda: os.kill(os.getpid(), signal.SIGUSR1))
        loop.run()
    finally:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGUSR1, before)
    assert got == ["usr1"]


def test_cancelled_timers_are_not_kept_until_they_are_due() -> None:
    loop, called = EventLoop(), []
    loop.call_later(0.01, lambda: called.append("kept"))
    for _ in range(10_000):
        loop.call_later(3600, loop.stop).cancel()
    assert len(loop._timers) < 200
    loop.call_later(0.02, loop.stop)
    loop.run()
    assert called == ["kept"]
