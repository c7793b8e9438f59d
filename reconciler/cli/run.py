"""One pass, and the daemon."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass

import click

from reconciler.cli.controller import Controller
from reconciler.cli.logs_setup import set_up_logging
from reconciler.cli.options import Options
from reconciler.cli.progress import Progress
from reconciler.cli.target import Target, find_target, show_problems
from reconciler.loop.orders import all_stopped, as_declared
from reconciler.loop.reconciler import Reconciler
from reconciler.model.errors import StateError
from reconciler.report.document import Document
from reconciler.report.status import needs_attention
from reconciler.report.text import status_text
from reconciler.settings import Settings
from reconciler.world.assemble import bind_state, open_world
from reconciler.world.control import Message, ask, serve_control

EXIT_INTERRUPTED = 130
"""As a shell gives it: 128 and SIGINT."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What to run the loop for."""

    is_daemon: bool = False
    order: Message | None = None
    """An operator's order to carry out."""
    stops_all: bool = False


def run(options: Options, *, is_daemon: bool) -> int:
    """Reconcile once, or until stopped; return the exit code."""
    return _start(options, _Job(is_daemon=is_daemon))


def run_order(options: Options, order: Message) -> int:
    """Carry out an operator's order in one pass, for want of a daemon; return the exit code."""
    return _start(options, _Job(order=order))


def stop_all(options: Options) -> int:
    """Stop everything that is declared, guests included, and then the local agent; return the exit code."""
    return _start(options, _Job(stops_all=True))


def _start(options: Options, job: _Job) -> int:
    set_up_logging(options.verbose)
    return asyncio.run(_run(options, job))


async def _run(options: Options, job: _Job) -> int:
    target = await find_target(options)
    if job == _Job():
        document = _ask_daemon(target)
        if document is not None:
            return _finish(document)
    target.state.create()
    lock = target.state.lock()
    try:
        return await _act(target, job)
    finally:
        lock.release()


async def _act(target: Target, job: _Job) -> int:
    """Run the loop as the one writer of the state."""
    intent = target.loaded.intent
    cluster = intent.cluster.name if intent else target.state.path.name
    progress = Progress(is_daemon=job.is_daemon)
    with open_world(target.state, target.repository, cluster) as world:
        if intent is not None:
            await bind_state(world.journal, target.repository, target.tree, intent)
        adjust = all_stopped if job.stops_all else as_declared
        reconciler = Reconciler(world.ports, Settings(), progress.show, adjust=adjust)
        controller = Controller(reconciler, world)
        progress.follow(controller.publish)
        is_finished = False
        with contextlib.suppress(asyncio.CancelledError):
            async with serve_control(target.state.control_socket, controller.answer), _stopped_by_signals():
                if job.order is None:
                    await reconciler.run(once=not job.is_daemon)
                else:
                    await _carry_out(reconciler, controller, job.order)
                is_finished = True
        if not is_finished:
            click.echo("stopped; what runs goes on", err=True)
            return 0 if job.is_daemon else EXIT_INTERRUPTED
        document = controller.status()
        if job.stops_all:
            world.local_agent.stop()
        if not reconciler.has_acted:
            click.echo("Nothing to do: the world is as declared, as far as it can be.", err=True)
    if reconciler.memory.intent is None:
        show_problems(target.loaded.problems)
        return 1
    return _finish(document)


async def _carry_out(reconciler: Reconciler, controller: Controller, order: Message) -> None:
    """See what is, carry an order out, and go on until nothing more can be done."""
    async with asyncio.TaskGroup() as group:
        loop = group.create_task(reconciler.run(once=False))
        try:
            await reconciler.sync()
            async for message in controller.answer(order):
                click.echo(message["result"], err=True)
            await reconciler.sync()
        finally:
            loop.cancel()


@contextlib.asynccontextmanager
async def _stopped_by_signals() -> AsyncIterator[None]:
    """End the block in order on SIGTERM and SIGINT: links are closed, the journal is whole, nothing is stopped."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def _ask_daemon(target: Target) -> Document | None:
    """Have a running daemon sync now, showing what it does; None when there is none."""
    answers = ask(target.state.control_socket, {"command": "sync"})
    if answers is None:
        return None
    progress = Progress(is_daemon=False)
    for message in answers:
        if "event" in message:
            progress.line(message["event"])
        else:
            result: Document = message["result"]
            return result
    raise StateError("the daemon ended before it answered")


def _finish(document: Document) -> int:
    click.echo(status_text(document))
    return 1 if needs_attention(document) else 0
