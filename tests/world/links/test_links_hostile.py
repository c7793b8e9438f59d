"""Guests that would hold up the controller; tests/agent/test_hostile.py lists all that a hostile peer may try."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agent import wire
from reconciler.model.errors import LinkError
from reconciler.model.node import AgentAddress, LinkReason
from reconciler.world.links.links import WireLink, WireLinks
from tests.world.links.peer import (
    CONNECT_MS,
    FAST,
    KEY,
    PATIENCE_S,
    START,
    Agent,
    Heard,
    failure,
    target,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SLOW_AGENTS = 5000
LISTENERS = 2
"""Of those, for the queue of one holds 4,096 at most (net.core.somaxconn)."""


def test_a_flooding_guest_costs_others_no_turn_of_the_loop(tmp_path: Path) -> None:
    async def scenario() -> tuple[int, int]:
        flood, calm = Agent(), Agent()
        paths, heard = (tmp_path / "flood.sock", tmp_path / "calm.sock"), (Heard(), Heard())
        async with flood.serving(paths[0]), calm.serving(paths[1]), asyncio.timeout(PATIENCE_S):
            links = [
                WireLinks(path, FAST).link(target(), ear) for path, ear in zip(paths, heard, strict=True)
            ]
            for link in links:
                await link.connect(CONNECT_MS)
            await turns_of(links[1], "introduce", lambda: None)
            alone = await turns_of(links[1], "alone", lambda: None)

            def pour() -> None:
                for _ in range(1000):
                    flood.notify(wire.OperationResult("web", "monitor", 9, 7, 0, interval_ms=10_000))

            beside = await turns_of(links[1], "beside", pour)
            await heard[0].on("result", 1000)
            for link in links:
                await link.close()
        return alone, beside

    alone, beside = asyncio.run(scenario())
    assert alone == beside


@pytest.fixture
def many_files() -> Iterator[None]:
    """Let this process have as many sockets as the test needs."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * SLOW_AGENTS, max(limits[1], 2 * SLOW_AGENTS)))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.slow
@pytest.mark.usefixtures("many_files")
def test_thousands_of_agents_that_say_nothing_delay_no_other(tmp_path: Path) -> None:
    async def scenario() -> tuple[bool, list[bool]]:
        links, good, heard = WireLinks(tmp_path / "agent.sock", FAST), Agent(), Heard()
        with contextlib.ExitStack() as stack:
            silent = [
                stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=SLOW_AGENTS))
                for _ in range(LISTENERS)
            ]
            slow = [
                links.link(target(AgentAddress(address="127.0.0.1", port=one.getsockname()[1]), KEY), heard)
                for one in silent
                for _ in range(SLOW_AGENTS // LISTENERS)
            ]
            async with (
                good.serving_tls(KEY) as port,
                asyncio.timeout(PATIENCE_S),
                asyncio.TaskGroup() as tasks,
            ):
                waiting = [tasks.create_task(connecting(link)) for link in slow]
                link = links.link(target(AgentAddress(address="127.0.0.1", port=port), KEY), Heard())
                await link.connect(CONNECT_MS)
                is_ok = (await link.execute(START)).is_ok
                are_done = [task.done() for task in waiting]
                await link.close()
                for task in waiting:
                    task.cancel()
        return is_ok, are_done

    assert asyncio.run(scenario()) == (True, [False] * SLOW_AGENTS)


def test_guests_with_each_others_addresses_are_told_nothing(tmp_path: Path) -> None:
    async def scenario() -> tuple[list[LinkReason], list[wire.Request]]:
        one, other, keys = Agent(), Agent(), (KEY, KEY[::-1])
        links, reasons = WireLinks(tmp_path / "no.sock", FAST), []
        async with one.serving_tls(keys[0]) as port, other.serving_tls(keys[1]) as other_port:
            async with asyncio.timeout(PATIENCE_S):
                for port_there, key in ((port, keys[1]), (other_port, keys[0])):
                    swapped = AgentAddress(address="127.0.0.1", port=port_there)
                    error = await failure(links.link(target(swapped, key), Heard()).connect(CONNECT_MS))
                    reasons.append(error.reason)
        return reasons, one.requests + other.requests

    assert asyncio.run(scenario()) == ([LinkReason.WRONG_KEY] * 2, [])


async def turns_of(link: WireLink, uid: str, each_turn: Callable[[], object]) -> int:
    """Count how often the event loop goes round until an operation has ended."""
    turns = 0
    async with asyncio.TaskGroup() as tasks:
        operation = tasks.create_task(link.execute(replace(START, uid=uid)))
        while not operation.done():
            each_turn()
            turns += 1
            await asyncio.sleep(0)
    return turns


async def connecting(link: WireLink) -> None:
    with contextlib.suppress(LinkError):
        await link.connect(CONNECT_MS)
