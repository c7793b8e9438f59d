"""Process guests: one copy at most, dead only when all of it is dead, and found again by any controller."""

import asyncio
import json
import os
import signal
import socket
import sys
import textwrap
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from reconciler.model.errors import HypervisorError
from reconciler.model.intent import Cluster
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import (
    AddressFinding,
    AddressOwner,
    AgentAddress,
    GuestType,
    Host,
    RemoteNode,
)
from reconciler.model.resource import Guest, Resource, ResourceAgent
from reconciler.ports import Domain, GuestStart
from reconciler.world.process import guests as process_guests
from reconciler.world.process import watch
from reconciler.world.process.guests import ProcessGuests
from reconciler.world.process.record import read_record, write_record
from reconciler.world.process.spawn import find_namespaces
from reconciler.world.process.table import ProcessIdentity, find_marked, is_alive, send_signal
from tests.daemon.stage import free_port

pytestmark = pytest.mark.slow

PATIENCE_S = 60
"""Only reached when a test fails."""

HERE = Where(file="x.yaml", line=1)
HOST = Host(name=NodeName("h1"), where=HERE)
CLUSTER = Cluster(name=f"test{os.getpid()}")
"""Its guests are nobody else's: another run beside this one has other ones."""
WEB = ResourceId("Web1")
KEY = b"secret secret 42"

# Stands for the agent: listens, writes down how it was started, and starts a daemon that leaves its session.
FAKE_AGENT = """
import json, os, pathlib, signal, socket, subprocess, sys, time
words = sys.argv[1:]
option = {words[i]: words[i + 1] for i in range(len(words) - 1)}
if "stubborn" in option["--node"]:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
host, _, port = option["--listen"].rpartition(":")
if "broken" in option["--node"]:
    sys.exit("no such key")
daemon = subprocess.Popen(["sleep", "1000"], start_new_session=True)
facts = {"argv": words, "env": dict(os.environ), "cwd": os.getcwd(), "daemon": daemon.pid,
         "pid": os.getpid(), "fds": sorted(os.listdir("/proc/self/fd"))}
pathlib.Path("facts.json").write_text(json.dumps(facts))
server = socket.create_server((host, int(port)))
while True:
    time.sleep(1)
"""


@dataclass
class Lab:
    """A folder for guests, the fake agent, and the way guests are isolated."""

    folder: Path
    agent_file: Path
    namespaces: tuple[str, ...]

    def guests(self) -> ProcessGuests:
        return ProcessGuests(self.folder, self.agent_file, sys.executable, self.namespaces)

    def facts(self) -> dict[str, object]:
        return dict(json.loads((self.folder / "web1" / "facts.json").read_text()))


@pytest.fixture(params=["namespaces", "plain"])
def lab(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    for limit in ("_APPEAR_TIMEOUT_S", "_LISTEN_TIMEOUT_S"):
        monkeypatch.setattr(process_guests, limit, PATIENCE_S)
    namespaces = tuple(find_namespaces(os.geteuid() == 0)) if request.param == "namespaces" else ()
    if request.param == "namespaces" and not namespaces:
        pytest.skip("no namespaces are permitted here")
    agent_file = tmp_path / "agent.pyz"
    with zipfile.ZipFile(agent_file, "w") as archive:
        archive.writestr("__main__.py", textwrap.dedent(FAKE_AGENT))
    yield Lab(tmp_path / "guests", agent_file, namespaces)
    # What is killed takes its time to die, and the next test's guest has the same name.
    while found := ours():
        send_signal(found, signal.SIGKILL)
        time.sleep(0.01)


def ours() -> list[ProcessIdentity]:
    return [process.identity for process in find_marked(str(CLUSTER.uuid_of(WEB)))]


def a_start(uid: str = "u1", node: str = "web", port: int = 0) -> GuestStart:
    remote = RemoteNode(
        name=NodeName(node), where=HERE, agent=AgentAddress(address="127.0.0.1", port=port or free_port())
    )
    guest = Resource(
        id=WEB,
        agent=ResourceAgent(standard="guest", type="process"),
        where=HERE,
        guest=Guest(type=GuestType.PROCESS),
        remote_node=remote,
    )
    return GuestStart(guest=guest, cluster=CLUSTER, uid=uid, digest="d1", commit="c1", key=KEY)


def a_domain(uid: str = "u1") -> Domain:
    return Domain(
        resource=WEB,
        cluster=CLUSTER.name,
        digest="d1",
        uid=uid,
        is_running=True,
        text="running",
        address="127.0.0.1",
        node=NodeName("web"),
    )


def test_an_address_is_the_guests_if_its_own_process_listens_there(lab: Lab) -> None:
    guests, start, loopback = lab.guests(), a_start(), ip_address("127.0.0.1")
    assert start.guest.remote_node is not None
    port = start.guest.remote_node.agent.port
    with socket.create_server(("127.0.0.1", 0)) as ours:
        other = ours.getsockname()[1]

        async def scenario() -> list[AddressFinding]:
            before = await guests.owner_of(WEB, loopback, port)
            await guests.start(HOST, start)
            return [before, *[await guests.owner_of(WEB, loopback, each) for each in (port, other)]]

        found = asyncio.run(scenario())
    record = read_record(lab.folder / "web1")
    assert record is not None
    assert record.main is not None
    main, own = record.main.pid, f"port {port} of 127.0.0.1"
    strange = f"it is not its process {main} that listens on port {other} of 127.0.0.1, but {os.getpid()}"
    assert found == [
        AddressFinding(owner=AddressOwner.UNKNOWN, text="the process guest Web1 does not run"),
        AddressFinding(owner=AddressOwner.GUEST, text=f"its process {main} listens on {own}"),
        AddressFinding(owner=AddressOwner.STRANGER, text=strange),
    ]


def test_started_guest_is_seen_by_any_controller_and_stopped(lab: Lab) -> None:
    async def scenario() -> None:
        await lab.guests().start(HOST, a_start())
        assert await lab.guests().domains(HOST) == [a_domain()]
        assert await lab.guests().domains(Host(name=NodeName("h2"), where=HERE)) == []
        await lab.guests().stop(WEB, 5000)
        assert await lab.guests().domains(HOST) == []
        assert ours() == []
        assert sorted(entry.name for entry in (lab.folder / "web1").iterdir()) == [
            "facts.json",
            "lock",
            "log",
            "state",
        ]
        await lab.guests().stop(WEB, 5000)

    asyncio.run(scenario())


def test_next_life_starts_without_the_last_ones_state_but_with_its_epochs(lab: Lab) -> None:
    async def scenario() -> None:
        await lab.guests().start(HOST, a_start())
        state = lab.folder / "web1" / "state"
        (state / "records").mkdir()
        (state / "records" / "FAKE").write_text("x")
        (state / "epochs").write_text("7")
        await lab.guests().stop(WEB, 0)
        await lab.guests().start(HOST, a_start("u2"))
        assert [entry.name for entry in state.iterdir()] == ["epochs"]

    asyncio.run(scenario())


def test_guest_inherits_nothing_and_its_key_is_only_in_its_file(lab: Lab) -> None:
    os.environ["SECRET_OF_THE_CONTROLLER"] = "x"
    try:
        asyncio.run(lab.guests().start(HOST, a_start()))
    finally:
        del os.environ["SECRET_OF_THE_CONTROLLER"]
    facts = lab.facts()
    assert set(facts["env"]) - {"LC_CTYPE"} == {"PATH", "LANG", "RECONCILER_GUEST"}  # type: ignore[call-overload]  # JSON
    assert facts["cwd"] == str(lab.folder / "web1")
    # Seen from here: inside a PID namespace the session of a process outside is 0, for whatever runs these tests too.
    assert os.getsid(0) not in {os.getsid(process.pid) for process in ours()}
    # 0, 1, 2 and the listing itself
    assert len(facts["fds"]) <= 4  # type: ignore[arg-type]  # JSON
    key_file = lab.folder / "web1" / "authkey"
    assert (key_file.read_bytes(), key_file.stat().st_mode & 0o777) == (KEY, 0o600)
    assert KEY.decode() not in json.dumps(facts)
    assert KEY.decode() not in (lab.folder / "web1" / "guest.json").read_text()


def test_same_start_again_changes_nothing(lab: Lab) -> None:
    async def scenario() -> None:
        start = a_start()
        await lab.guests().start(HOST, start)
        before = ours()
        await lab.guests().start(HOST, start)
        assert ours() == before

    asyncio.run(scenario())


def test_crash_between_spawn_and_record_leaves_one_copy(lab: Lab) -> None:
    async def scenario() -> None:
        start = a_start()
        await lab.guests().start(HOST, start)
        before = ours()
        record = read_record(lab.folder / "web1")
        assert record is not None
        write_record(lab.folder / "web1", replace(record, main=None))
        assert await lab.guests().domains(HOST) == [a_domain()]
        await lab.guests().start(HOST, start)
        assert ours() == before
        assert read_record(lab.folder / "web1") == record

    asyncio.run(scenario())


def test_another_start_is_refused_while_anything_is_left(lab: Lab) -> None:
    async def scenario() -> None:
        await lab.guests().start(HOST, a_start())
        with pytest.raises(HypervisorError, match="still runs from an earlier start"):
            await lab.guests().start(HOST, a_start("u2"))
        # Even a lost record is no licence for a second copy.
        (lab.folder / "web1" / "guest.json").unlink()
        with pytest.raises(HypervisorError, match="still runs from an earlier start"):
            await lab.guests().start(HOST, a_start("u2"))

    asyncio.run(scenario())


def test_stubborn_agent_is_killed_with_all_it_started(lab: Lab) -> None:
    async def scenario() -> None:
        await lab.guests().start(HOST, a_start(node="stubborn"))
        # The agent and its daemon, and unshare before them.
        assert len(ours()) == (3 if lab.namespaces else 2)
        await lab.guests().stop(WEB, 200)
        assert ours() == []

    asyncio.run(scenario())


def test_dead_agent_with_living_daemon_is_there_but_does_not_run(lab: Lab) -> None:
    async def scenario() -> None:
        await lab.guests().start(HOST, a_start())
        record = read_record(lab.folder / "web1")
        assert record is not None
        assert record.main is not None
        main = record.main
        send_signal([main], signal.SIGKILL)
        await until(lambda: not is_alive(main))
        found = await lab.guests().domains(HOST)
        if lab.namespaces:
            assert found == []  # the kernel has ended all of it
        else:
            assert [(domain.is_running, domain.text) for domain in found] == [
                (False, "its agent ended, 1 of its processes are left")
            ]
        await lab.guests().stop(WEB, 0)
        assert ours() == []

    asyncio.run(scenario())


def test_agent_that_ends_at_once_is_a_failed_start_with_its_last_words(lab: Lab) -> None:
    async def scenario() -> None:
        with pytest.raises(HypervisorError, match="ended at once: no such key"):
            await lab.guests().start(HOST, a_start(node="broken"))
        assert await lab.guests().domains(HOST) == []
        await lab.guests().start(HOST, a_start("u2"))

    asyncio.run(scenario())


def test_port_in_use_is_a_failed_start(lab: Lab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
        with pytest.raises(HypervisorError, match=f"port {port} of Web1 is in use"):
            asyncio.run(lab.guests().start(HOST, a_start(port=port)))
    assert ours() == []


def test_death_and_birth_wake_the_loop(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        woken, looked, watched = asyncio.Event(), asyncio.Event(), lab.guests()
        loop, list_mains = asyncio.get_running_loop(), watched._mains

        def look() -> Sequence[ProcessIdentity]:
            found = list_mains()
            loop.call_soon_threadsafe(looked.set)
            return found

        def wake() -> None:
            # From the first time on: deaths wake by themselves, and not because somebody looks again.
            monkeypatch.setattr(watch, "POLL_S", 3600)
            woken.set()

        monkeypatch.setattr(watched, "_mains", look)
        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
            watching = group.create_task(watched.watch(wake))
            await looked.wait()
            await lab.guests().start(HOST, a_start())
            await woken.wait()
            woken.clear()
            send_signal(ours(), signal.SIGKILL)
            await woken.wait()
            watching.cancel()

    asyncio.run(scenario())


def test_key_less_guest_is_refused(lab: Lab) -> None:
    start = a_start()
    plain = GuestStart(guest=start.guest, cluster=CLUSTER, uid="u1", digest="d1", commit="c1", key=None)
    with pytest.raises(HypervisorError, match="needs a remoteNode"):
        asyncio.run(lab.guests().start(HOST, plain))


async def until(is_done: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not is_done():  # noqa: ASYNC110 - processes set no event
            await asyncio.sleep(0.01)
