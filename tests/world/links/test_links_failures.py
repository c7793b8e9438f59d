"""Links that cannot be made, and links that are lost."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from agent import wire
from reconciler.model.errors import LinkError, OutcomeUnknownError
from reconciler.model.names import ResourceId
from reconciler.model.node import AgentAddress, LinkReason
from reconciler.model.operation import OperationResult
from reconciler.ports import Session
from reconciler.world.links.links import WireLink, WireLinks

if TYPE_CHECKING:
    from pathlib import Path
from tests.world.links.peer import (
    CONNECT_MS,
    FAST,
    KEY,
    PATIENCE_S,
    START,
    Agent,
    Heard,
    failure,
    impatient,
    play,
    target,
)


def test_connecting_tries_again_until_the_agent_is_there(tmp_path: Path) -> None:
    async def scenario() -> Session:
        agent = Agent()
        link = WireLinks(tmp_path / "agent.sock", FAST).link(target(), Heard())
        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as tasks:
            connecting = tasks.create_task(link.connect(CONNECT_MS))
            while (await failure(link.execute(START))).reason is not LinkReason.LOST:
                pass
            async with agent.serving(tmp_path / "agent.sock"):
                session = await connecting
                await link.close()
        return session

    assert asyncio.run(scenario()).is_ours


def test_connecting_gives_up_with_the_reason_of_the_last_attempt(tmp_path: Path) -> None:
    async def scenario() -> Any:
        link = WireLinks(tmp_path / "agent.sock", FAST).link(target(), Heard())
        return await failure(link.connect(30))

    assert asyncio.run(scenario()).reason is LinkReason.REFUSED


def test_an_agent_that_does_not_register_us_is_silent(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> Any:
        agent.on[wire.Register] = lambda _agent, _id, _request: None
        return await failure(link.connect(50))

    assert play(tmp_path, scenario).reason is LinkReason.SILENT


def test_an_agent_that_wants_to_stop_is_let_go_and_reported(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> None:
        await link.connect(CONNECT_MS)
        agent.notify(wire.ShutdownRequest())
        await agent.heard(wire.ShutdownNack)
        agent.hang_up()
        await heard.on("lost", 1)

    heard = Heard(drains=False)
    play(tmp_path, scenario, heard=heard)
    assert (heard.leaving, heard.lost) == (1, ["the agent left in order"])


def test_an_agent_that_wants_to_stop_waits_until_its_node_is_empty(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> bool:
        await link.connect(CONNECT_MS)
        agent.notify(wire.ShutdownRequest())
        await agent.heard(wire.ShutdownAck)
        return (await link.execute(START)).is_ok and link.is_connected

    heard = Heard()
    assert play(tmp_path, scenario, heard=heard)
    assert (heard.leaving, heard.lost) == (1, [])


def test_programs_that_ask_for_a_daemon_that_we_are_not_fail_at_once(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> None:
        await link.connect(CONNECT_MS)
        agent.notify(wire.ProxyNew("S", "corosync"))
        await agent.heard(wire.ProxyDestroy)

    agent = Agent()
    play(tmp_path, scenario, agent=agent)
    assert agent.requests[-1] == wire.ProxyDestroy("S")


def test_another_client_is_warned_of_once_a_while_and_does_not_end_the_link(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(agent: Agent, link: WireLink) -> OperationResult:
        await link.connect(CONNECT_MS)
        for _ in range(100):
            agent.notify(wire.NewClient())
        return await link.execute(START)

    assert play(tmp_path, scenario).is_ok
    warnings = [(r.message, r.__dict__["node"]) for r in caplog.records if r.levelno == logging.WARNING]
    assert warnings == [("another client connected to the agent", "guest1")]


def test_a_resource_that_another_client_removed_is_introduced_again(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> None:
        await link.connect(CONNECT_MS)
        await link.execute(START)
        agent.notify(wire.ResourceNotice(wire.OP_RESOURCE_UNREGISTER, "web", 0))
        agent.notify(wire.OperationResult("web", "monitor", 9, 7, 0, interval_ms=10_000))
        await heard.on("result", 1)
        await link.execute(replace(START, uid="u2"))

    agent, heard = Agent(), Heard()
    play(tmp_path, scenario, agent=agent, heard=heard)
    assert len([request for request in agent.requests if isinstance(request, wire.ResourceInfo)]) == 2


def test_a_resource_that_the_agent_has_just_forgotten_is_introduced_again(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> OperationResult:
        def forget_once(agent: Agent, message_id: int, _request: wire.Request) -> None:
            agent.on_exec = None
            agent.reply(message_id, wire.RC_NO_SUCH_RESOURCE)

        agent.on_exec = forget_once
        await link.connect(CONNECT_MS)
        return await link.execute(START)

    agent = Agent()
    assert play(tmp_path, scenario, agent=agent).is_ok
    assert len([request for request in agent.requests if isinstance(request, wire.ResourceInfo)]) == 2


def test_an_agent_that_falls_silent_is_lost(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> Any:
        agent.on_exec = lambda agent, message_id, _: agent.reply(message_id, 8)
        agent.on[wire.Poke] = lambda _agent, _id, _request: None
        await link.connect(CONNECT_MS)
        return await failure(link.execute(START))

    heard = Heard()
    error = play(tmp_path, scenario, heard=heard, settings=impatient(100))
    assert (type(error), error.reason) == (OutcomeUnknownError, LinkReason.LOST)
    assert heard.lost == ["the agent was silent for 0.08 s"]


@pytest.mark.slow
def test_no_verdict_is_passed_when_our_own_loop_was_late(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> bool:
        await link.connect(CONNECT_MS)
        await agent.heard(wire.Poke)
        time.sleep(0.5)  # noqa: ASYNC251 - a loop that is held up is what is tested
        for _ in range(3):
            await agent.heard(wire.Poke)
        return link.is_connected

    assert play(tmp_path, scenario, settings=impatient(400))


def test_bytes_that_are_not_the_protocol_end_the_link(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> None:
        await link.connect(CONNECT_MS)
        agent.send([b"HTTP/1.1 200 OK\r\n\r\n"])
        await heard.on("lost", 1)

    heard = Heard()
    play(tmp_path, scenario, heard=heard)
    assert heard.lost == ["the agent broke the protocol: not a remote protocol message: it begins with 48"]


def test_a_monitor_that_is_not_there_is_cancelled_with_success(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> Any:
        await link.connect(CONNECT_MS)
        for rc in (0, wire.RC_UNSUPPORTED, wire.RC_NO_SUCH_RESOURCE):
            agent.on[wire.Cancel] = lambda agent, message_id, _, rc=rc: agent.reply(message_id, rc)
            await link.cancel(ResourceId("web"), "monitor", 10_000)
        agent.on[wire.Cancel] = lambda agent, message_id, _: agent.reply(message_id, wire.RC_STALE_EPOCH)
        return await failure(link.cancel(ResourceId("web"), "monitor", 10_000))

    assert play(tmp_path, scenario).reason is LinkReason.STALE


def test_closing_makes_outcomes_unknown_and_is_no_loss(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> Any:
        agent.on_exec = lambda agent, message_id, _: agent.reply(message_id, 8)
        await link.connect(CONNECT_MS)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(failure(link.execute(START)))
            await agent.heard(wire.Exec)
            await link.close()
            await link.close()
        return running.result()

    heard = Heard()
    assert type(play(tmp_path, scenario, heard=heard)) is OutcomeUnknownError
    assert heard.lost == []


def test_a_link_can_be_connected_again_after_it_was_lost(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> OperationResult:
        await link.connect(CONNECT_MS)
        agent.hang_up()
        await heard.on("lost", 1)
        await link.connect(CONNECT_MS)
        return await link.execute(START)

    heard = Heard()
    assert play(tmp_path, scenario, heard=heard).is_ok


def test_a_parameter_that_cannot_travel_is_an_error_before_anything_is_sent(tmp_path: Path) -> None:
    async def scenario(_agent: Agent, link: WireLink) -> list[Any]:
        await link.connect(CONNECT_MS)
        error = await failure(link.execute(replace(START, params={"a": "\x00secret"})))
        return [error, link.is_connected]

    error, is_connected = play(tmp_path, scenario)
    assert (type(error), is_connected, "secret" in str(error)) == (LinkError, True, False)


def test_a_link_over_tls_carries_operations_of_any_size(tmp_path: Path) -> None:
    async def scenario() -> OperationResult:
        agent = Agent()
        agent.output = "x" * 60_000
        async with agent.serving_tls(KEY) as port, asyncio.timeout(PATIENCE_S):
            address = AgentAddress(address="127.0.0.1", port=port)
            link = WireLinks(tmp_path, FAST).link(target(address, KEY), Heard())
            await link.connect(CONNECT_MS)
            result = await link.execute(replace(START, params={"text": "y" * 100_000}))
            await link.close()
        return result

    assert asyncio.run(scenario()).output == "x" * 60_000
