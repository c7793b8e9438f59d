"""The real agent as a process, on a socket and in a folder of the test's own."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from reconciler.model.errors import LinkError
from reconciler.model.intent import Cluster
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import AgentAddress
from reconciler.model.operation import OCF_NOT_RUNNING, OperationRequest, OperationResult
from reconciler.model.resource import ResourceAgent
from reconciler.ports import AgentLink, LinkListener, Links, LinkTarget, Session
from reconciler.world import local_agent
from reconciler.world.agent_file import build_agent_file
from reconciler.world.local_agent import AbsentAgentLink, LinksWithLocalAgent, LocalAgent, LocalLink

PATIENCE_S = 60
"""Only reached when a test fails."""

HOST = NodeName("host1")
HERE = LinkTarget(node=HOST, agent=AgentAddress(), cluster=Cluster(), key=None)
ELSEWHERE = LinkTarget(node=HOST, agent=AgentAddress(address="192.0.2.1"), cluster=Cluster(), key=b"k" * 32)
NOBODY = cast("LinkListener", object())


class Recorded:
    """A link that writes down what is asked of it."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.is_connected = False

    async def connect(self, timeout_ms: int) -> Session:
        self.calls.append(f"connect {timeout_ms}")
        self.is_connected = True
        return Session(is_ours=True, instance="i", incarnation="b", is_record_keeping=True)

    async def execute(self, request: OperationRequest) -> OperationResult:
        self.calls.append(f"execute {request.operation}")
        return OperationResult(resource=request.resource, operation=request.operation)

    async def cancel(self, resource: ResourceId, operation: str, interval_ms: int) -> None:
        self.calls.append(f"cancel {resource} {operation} {interval_ms}")

    async def close(self) -> None:
        self.calls.append("close")
        self.is_connected = False


class RecordedLinks:
    """Links that are all the same one."""

    def __init__(self) -> None:
        self.made = Recorded()

    def link(self, target: LinkTarget, listener: LinkListener) -> AgentLink:
        assert listener is NOBODY
        assert target in {HERE, ELSEWHERE}
        return self.made


@pytest.fixture(scope="module")
def agent_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_agent_file(tmp_path_factory.mktemp("agent"))


@pytest.fixture
def agent(tmp_path: Path, agent_file: Path) -> Iterator[LocalAgent]:
    made = LocalAgent(tmp_path / "agent.sock", tmp_path / "agent", agent_file)
    yield made
    made.stop()


def links(local: LocalAgent, *, is_read_only: bool) -> LinksWithLocalAgent:
    return LinksWithLocalAgent(cast("Links", RecordedLinks()), local, is_read_only=is_read_only)


def until_gone(local: LocalAgent) -> bool:
    end = time.monotonic() + PATIENCE_S
    while local.is_there() and time.monotonic() < end:
        time.sleep(0.02)
    return not local.is_there()


@pytest.mark.slow
def test_the_agent_is_started_once_and_outlives_who_started_it(agent: LocalAgent, tmp_path: Path) -> None:
    assert (agent.is_there(), agent.has_records()) == (False, False)
    asyncio.run(agent.ensure(HOST))
    assert (agent.is_there(), agent.has_records()) == (True, True)
    asyncio.run(agent.ensure(HOST))
    log = (tmp_path / "agent" / "agent.log").read_text()
    assert log.count(str(tmp_path / "agent.sock")) == 1, log
    agent.stop()
    assert until_gone(agent)
    # Something may still run that it started.
    assert agent.has_records()


def test_an_agent_that_does_not_start_says_what_it_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_agent, "START_TIMEOUT_S", PATIENCE_S)
    broken, log = tmp_path / "agent.pyz", tmp_path / "agent" / "agent.log"
    broken.write_text("raise SystemExit('cannot find libgnutls')")

    class Awaited(LocalAgent):
        """Its time is up as soon as it has said its last words, however long it takes to get there."""

        def is_there(self) -> bool:
            if log.exists() and "libgnutls\n" in log.read_text():
                raise TimeoutError
            return super().is_there()

    local = Awaited(tmp_path / "agent.sock", tmp_path / "agent", broken)
    with pytest.raises(LinkError, match=r"the local agent does not listen: .*cannot find libgnutls"):
        asyncio.run(local.ensure(HOST))


def test_a_folder_that_cannot_be_made_is_a_link_error(tmp_path: Path) -> None:
    (tmp_path / "agent").write_text("in the way")
    local = LocalAgent(tmp_path / "agent.sock", tmp_path / "agent", tmp_path / "agent.pyz")
    with pytest.raises(LinkError, match="the local agent does not start: "):
        asyncio.run(local.ensure(HOST))


def test_only_the_local_link_starts_an_agent(agent: LocalAgent) -> None:
    assert isinstance(links(agent, is_read_only=False).link(HERE, NOBODY), LocalLink)
    assert isinstance(links(agent, is_read_only=False).link(ELSEWHERE, NOBODY), Recorded)
    assert isinstance(links(agent, is_read_only=True).link(ELSEWHERE, NOBODY), Recorded)


def test_who_only_looks_takes_a_host_without_an_agent_as_empty(agent: LocalAgent, tmp_path: Path) -> None:
    assert isinstance(links(agent, is_read_only=True).link(HERE, NOBODY), AbsentAgentLink)
    (tmp_path / "agent" / "records").mkdir(parents=True)
    # It ran since the boot, and is gone: what it started may run, so that it cannot be taken as empty.
    assert isinstance(links(agent, is_read_only=True).link(HERE, NOBODY), Recorded)


def test_where_no_agent_ever_ran_nothing_runs() -> None:
    link = AbsentAgentLink()
    probe = OperationRequest(
        resource=ResourceId("web"), agent=ResourceAgent(standard="systemd", type="x"), operation="monitor"
    )

    async def run() -> tuple[Session, OperationResult]:
        found = await link.connect(1), await link.execute(probe)
        await link.cancel(probe.resource, "monitor", 1)
        return found

    session, result = asyncio.run(run())
    assert (session.records, session.is_record_keeping, link.is_connected) == ({}, True, True)
    assert (result.rc, result.is_not_running) == (OCF_NOT_RUNNING, True)
    asyncio.run(link.close())
    assert not link.is_connected


def test_the_local_link_passes_everything_on_once_its_agent_is_there(agent: LocalAgent) -> None:
    class Ready(LocalAgent):
        async def ensure(self, node: NodeName) -> None:
            recorded.calls.append(f"ensure {node}")

    recorded = Recorded()
    link = LocalLink(recorded, cast("LocalAgent", Ready.__new__(Ready)), HOST)
    request = OperationRequest(
        resource=ResourceId("web"), agent=ResourceAgent(standard="systemd", type="x"), operation="start"
    )

    async def run() -> None:
        await link.connect(7)
        assert link.is_connected
        await link.execute(request)
        await link.cancel(request.resource, "monitor", 10)
        await link.close()

    asyncio.run(run())
    assert recorded.calls == ["ensure host1", "connect 7", "execute start", "cancel web monitor 10", "close"]
    assert (link.is_connected, agent.is_there()) == (False, False)


def test_stopping_an_agent_that_is_not_there_is_no_error(agent: LocalAgent) -> None:
    agent.stop()
    assert not agent.is_there()
