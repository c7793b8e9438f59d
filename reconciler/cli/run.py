"""One pass, and the daemon."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass

import click

from reconciler.cli.controller import TICKET_ORDERS, Controller
from reconciler.cli.exits import EXIT_INTERRUPTED
from reconciler.cli.options import Options
from reconciler.cli.plan_keeper import PlanKeeper
from reconciler.cli.progress import Progress
from reconciler.cli.show import finish
from reconciler.cli.target import Target, dirty_note, find_target, show_problems
from reconciler.loop.orders import all_stopped, as_declared
from reconciler.loop.reconciler import Reconciler
from reconciler.model.errors import StateError, UsageError
from reconciler.model.event import Event, Severity
from reconciler.ports import Journal
from reconciler.report.document import Document
from reconciler.settings import Settings
from reconciler.world.assemble import bind_state, open_world
from reconciler.world.control import Message, ask, serve_control


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
    return asyncio.run(_run(options, job))


async def _run(options: Options, job: _Job) -> int:
    target = await find_target(options)
    if job == _Job():
        document = _ask_daemon(target)
        if document is not None:
            return finish(document, dirty_note(target.tree))
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
        await bind_state(world.journal, target.repository, target.tree, intent)
        keeper = PlanKeeper(world.journal, world.ports.compute)
        adjust = all_stopped if job.stops_all else as_declared
        reconciler = Reconciler(world.ports, Settings(), progress.show, keeper.note, adjust=adjust)
        controller = Controller(reconciler, world)
        progress.follow(controller.publish)
        _tell_interrupted(world.journal, progress)
        is_interrupted = await _work(_Work(reconciler, controller, keeper, progress), target, job)
        keeper.flush()
        document = controller.status()
        if job.stops_all and not is_interrupted:
            world.local_agent.stop()
    if job.is_daemon or is_interrupted:
        click.echo("stopped; what runs goes on", err=True)
        return 0 if job.is_daemon else EXIT_INTERRUPTED
    if not reconciler.has_acted:
        click.echo("Nothing to do: the world is as declared, as far as it can be.", err=True)
    if reconciler.memory.intent is None:
        show_problems(target.loaded.problems)
        return 1
    return finish(document, dirty_note(target.tree))


@dataclass(frozen=True, slots=True)
class _Work:
    """What works together in one run."""

    reconciler: Reconciler
    controller: Controller
    keeper: PlanKeeper
    progress: Progress


async def _work(work: _Work, target: Target, job: _Job) -> bool:
    """Run the loop with what belongs to it, to its end; return whether a signal ended it."""
    try:
        async with asyncio.TaskGroup() as group:
            beside = [
                group.create_task(work.progress.watch(work.reconciler.waiting_for)),
                group.create_task(work.keeper.run()),
            ]
            answer = work.controller.answering(group)
            try:
                async with _stopped_by_signals(), serve_control(target.state.control_socket, answer):
                    if job.order is None:
                        await work.reconciler.run(once=not job.is_daemon)
                    else:
                        await _carry_out(work.reconciler, work.controller, job.order)
            finally:
                for helper in beside:
                    helper.cancel()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        assert task is not None
        task.uncancel()
        return True
    return False


async def _carry_out(reconciler: Reconciler, controller: Controller, order: Message) -> None:
    """See what is, carry an order out, and go on until nothing more can be done.

    Orders about tickets need not see what is, and come first: nothing is started by a ticket that is being revoked.

    Raises:
        UsageError: there is nothing of the order's name.
    """
    refusal: UsageError | None = None
    is_blind = order["order"] in TICKET_ORDERS
    if is_blind:
        await reconciler.declaration.load()
    async with asyncio.TaskGroup() as group:
        loop = group.create_task(reconciler.run(once=False))
        try:
            if not is_blind:
                await _look(reconciler, order)
            click.echo(await controller.carry_out(order), err=True)
            await reconciler.sync()
        except UsageError as error:
            refusal = error
        finally:
            loop.cancel()
    if refusal is not None:
        raise refusal


async def _look(reconciler: Reconciler, order: Message) -> None:
    """See what is before an order counts.

    A person's word that a host is dead waits no longer than a look takes, once the declaration is in force: attempts
    to connect that host may go on for as long as `connectTimeout`, and what is alive says so at once.
    """
    limit_s = Settings().look_connect_s if order["order"] == "confirm-fenced" else None
    is_seen = False
    while not is_seen:
        try:
            async with asyncio.timeout(limit_s):
                await reconciler.sync()
            is_seen = True
        except TimeoutError:
            is_seen = reconciler.memory.intent is not None


def _tell_interrupted(journal: Journal, progress: Progress) -> None:
    """Say what was under way when the last controller ended; the loop finds out what became of it."""
    for intent in journal.open_intents():
        text = f"{intent.kind} of {intent.resource} on {intent.node} was interrupted; what became of it is found out"
        progress.show(Event(code="interrupted", text=text, severity=Severity.WARNING))


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
    answers = ask(target.state.control_socket, {"command": "sync"}, timeout_s=None)
    if answers is None:
        return None
    progress = Progress(is_daemon=False)
    for message in answers:
        if "event" in message:
            event = message["event"]
            progress.line(event["text"], Severity(event["severity"]))
        else:
            result: Document = message["result"]
            return result
    raise StateError("the daemon ended before it answered")
