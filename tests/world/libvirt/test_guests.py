"""libvirt guests on libvirt's own test driver: ownership, repeated starts, deadlines and events."""

import asyncio
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.errors import HypervisorError, HypervisorUnreachableError
from reconciler.model.intent import Cluster
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import GuestType, Host
from reconciler.model.resource import Guest, Resource, ResourceAgent
from reconciler.ports import Domain, GuestStart
from reconciler.world.libvirt import connection as libvirt_connection
from reconciler.world.libvirt import guests as libvirt_guests
from reconciler.world.libvirt.connection import LibvirtConnection
from reconciler.world.libvirt.guests import LibvirtGuests
from reconciler.world.libvirt.library import load_libvirt

libvirt = pytest.importorskip("libvirt", reason="libvirt-python is not installed")

URI = "test:///default"
PATIENCE_S = 60
"""Only reached when a test fails."""
HERE = Where(file="x.yaml", line=1)
HOST = Host(name=NodeName("h1"), where=HERE, libvirt={GuestType.VM: URI})
WEB = ResourceId("web")
XML = "<domain type='test'><name>web</name><memory>1024</memory><os><type>hvm</type></os></domain>"


@pytest.fixture
def driver() -> Iterator[Any]:
    """Yield a connection to the test driver, whose domains all connections of this process share."""
    connection = load_libvirt().open(URI)
    yield connection
    for domain in connection.listAllDomains(0):
        if domain.name() != "test":
            ends = [domain.undefine] * domain.isPersistent() + [domain.destroy] * domain.isActive()
            for end in ends:
                end()
    connection.close()


def a_start(uid: str = "u1", cluster: str = "shop", xml: str = XML) -> GuestStart:
    guest = Resource(
        id=WEB,
        agent=ResourceAgent(standard="guest", type="vm"),
        where=HERE,
        guest=Guest(type=GuestType.VM, domain_xml=xml),
    )
    return GuestStart(guest=guest, cluster=Cluster(name=cluster), uid=uid, digest="d1", commit="c1", key=None)


def a_domain(uid: str = "u1", *, text: str = "running") -> Domain:
    return Domain(resource=WEB, cluster="shop", digest="d1", uid=uid, is_running=text == "running", text=text)


def guests(cluster: str = "shop") -> LibvirtGuests:
    return LibvirtGuests(cluster, Path("/nonexistent"))


def test_started_guest_is_transient_listed_and_stopped(driver: Any) -> None:
    async def scenario() -> None:
        await guests().start(HOST, a_start())
        assert await guests().domains(HOST, GuestType.VM) == [a_domain()]
        domain = driver.lookupByName("web")
        assert (domain.isPersistent(), domain.UUIDString()) == (0, str(Cluster(name="shop").uuid_of("web")))
        await guests().stop(HOST, WEB, GuestType.VM, 1000)
        assert await guests().domains(HOST, GuestType.VM) == []
        await guests().stop(HOST, WEB, GuestType.VM, 1000)

    asyncio.run(scenario())


def test_same_start_again_is_success_and_another_is_refused(driver: Any) -> None:
    async def scenario() -> None:
        await guests().start(HOST, a_start())
        before = driver.lookupByName("web").ID()
        await guests().start(HOST, a_start())
        assert driver.lookupByName("web").ID() == before
        with pytest.raises(HypervisorError, match="still runs from an earlier start"):
            await guests().start(HOST, a_start("u2"))

    asyncio.run(scenario())


def test_domain_that_is_not_ours_is_neither_listed_nor_stopped_nor_replaced(driver: Any) -> None:
    async def scenario() -> None:
        driver.createXML(XML, 0)
        assert await guests().domains(HOST, GuestType.VM) == []
        with pytest.raises(HypervisorError, match="is there and is not ours"):
            await guests().start(HOST, a_start())
        await guests().stop(HOST, WEB, GuestType.VM, 0)
        assert driver.lookupByName("web").isActive()

    asyncio.run(scenario())


def test_defined_domain_of_the_same_name_is_not_taken_over(driver: Any) -> None:
    driver.defineXML(XML)
    with pytest.raises(HypervisorError, match="is there and is not ours"):
        asyncio.run(guests().start(HOST, a_start()))


def test_another_clusters_guest_is_seen_and_left_alone(driver: Any) -> None:
    async def scenario() -> None:
        await guests("other").start(HOST, a_start(cluster="other"))
        assert [domain.cluster for domain in await guests().domains(HOST, GuestType.VM)] == ["other"]
        await guests().stop(HOST, WEB, GuestType.VM, 0)
        with pytest.raises(HypervisorError, match="is there and is not ours"):
            await guests().start(HOST, a_start())
        assert driver.lookupByName("web").isActive()

    asyncio.run(scenario())


def test_copy_of_a_marked_domain_is_not_ours(driver: Any) -> None:
    async def scenario() -> None:
        await guests().start(HOST, a_start())
        xml = driver.lookupByName("web").XMLDesc(0)
        uuid = str(Cluster(name="shop").uuid_of("web"))
        head, _, rest = xml.partition(f"<uuid>{uuid}</uuid>")
        copy = head + "<uuid>99999999-2222-3333-4444-555555555555</uuid>" + rest
        driver.createXML(copy.replace("<name>web</name>", "<name>clone</name>"), 0)
        await guests().stop(HOST, WEB, GuestType.VM, 0)
        assert driver.lookupByName("clone").isActive()
        assert await guests().domains(HOST, GuestType.VM) == []

    asyncio.run(scenario())


def test_paused_guest_is_there_but_does_not_run_and_is_stopped_at_once(driver: Any) -> None:
    async def scenario() -> None:
        await guests().start(HOST, a_start())
        driver.lookupByName("web").suspend()
        assert await guests().domains(HOST, GuestType.VM) == [a_domain(text="paused")]
        await guests().stop(HOST, WEB, GuestType.VM, 10 * PATIENCE_S * 1000)
        assert await guests().domains(HOST, GuestType.VM) == []

    asyncio.run(asyncio.wait_for(scenario(), PATIENCE_S))


@pytest.mark.usefixtures("driver")
def test_unusable_xml_is_an_error_of_the_host_that_names_it() -> None:
    with pytest.raises(HypervisorError, match=URI) as caught:
        asyncio.run(guests().start(HOST, a_start(xml="<domain type='test'><name>web</name></domain>")))
    assert not isinstance(caught.value, HypervisorUnreachableError)


def test_host_without_a_uri_for_the_type_is_refused() -> None:
    with pytest.raises(HypervisorError, match="h1 has no libvirt URI for guests of type lxc"):
        asyncio.run(guests().domains(HOST, GuestType.LXC))


def test_unreachable_host_is_unknown(tmp_path: Path) -> None:
    uri = f"qemu+unix:///system?socket={tmp_path}/none"
    host = Host(name=NodeName("h1"), where=HERE, libvirt={GuestType.VM: uri})
    with pytest.raises(HypervisorUnreachableError, match="cannot be connected"):
        asyncio.run(guests().domains(host, GuestType.VM))


def test_domain_events_wake_the_loop(driver: Any) -> None:
    async def scenario() -> None:
        woken, watched = asyncio.Event(), guests()
        await watched.domains(HOST, GuestType.VM)  # it is connected, and events come
        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
            watching = group.create_task(watched.watch([HOST], woken.set))
            while not watched._connection_to(URI)._wakes:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0)
            driver.createXML(XML, 0)
            await woken.wait()
            woken.clear()
            driver.lookupByName("web").destroy()
            await woken.wait()
            watching.cancel()

    asyncio.run(scenario())


def test_what_may_have_happened_between_two_connections_wakes_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(libvirt_guests, "RECONNECT_S", 0.01)
    release = threading.Event()

    async def scenario() -> None:
        woken, watched = asyncio.Event(), guests()
        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
            watching = group.create_task(watched.watch([HOST], woken.set))
            await woken.wait()
            woken.clear()
            with pytest.raises(HypervisorUnreachableError):
                await watched._connection_to(URI).call(lambda _connection: release.wait(PATIENCE_S), 0.05)
            await woken.wait()
            watching.cancel()
        release.set()
        watched.close()

    asyncio.run(scenario())


def test_call_past_its_deadline_costs_the_connection_and_not_the_loop() -> None:
    async def scenario() -> None:
        connection = LibvirtConnection(URI)
        release = threading.Event()
        with pytest.raises(HypervisorUnreachableError, match=r"did not answer within 0\.05 s"):
            await connection.call(lambda _connection: release.wait(PATIENCE_S), 0.05)
        # While the first still hangs: nobody has released it.
        assert await connection.call(lambda connected: connected.getHostname())
        release.set()
        connection.close()

    asyncio.run(scenario())


def test_host_that_does_not_answer_delays_only_the_first_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    an_hour_s = 3600.0

    async def refusal(connection: LibvirtConnection) -> str:
        with pytest.raises(HypervisorUnreachableError) as caught:
            async with asyncio.timeout(PATIENCE_S):
                await connection.call(lambda _connection: None)
        return str(caught.value)

    async def scenario(uri: str) -> None:
        connection = LibvirtConnection(uri)
        monkeypatch.setattr(libvirt_connection, "CONNECT_TIMEOUT_S", 0.05)
        assert await refusal(connection) == f"{uri} cannot be connected within 0.05 s"
        # Who waited as long as the first did would now wait for an hour.
        monkeypatch.setattr(libvirt_connection, "CONNECT_TIMEOUT_S", an_hour_s)
        monkeypatch.setattr(libvirt_connection, "ABANDON_S", 2 * an_hour_s)
        monkeypatch.setattr(libvirt_connection._Session, "age_s", lambda _session: an_hour_s)
        for _ in range(2):
            assert await refusal(connection) == f"{uri} cannot be connected within 3600 s"
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as silent:
        asyncio.run(scenario(f"qemu+tcp://127.0.0.1:{silent.getsockname()[1]}/system"))


def test_old_connection_is_as_good_as_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        connection = LibvirtConnection(URI)
        await connection.call(lambda _connection: None)
        monkeypatch.setattr(libvirt_connection, "CONNECT_TIMEOUT_S", 0.0)
        assert await connection.call(lambda connected: connected.getHostname())
        connection.close()

    asyncio.run(scenario())


def test_calls_run_beside_each_other() -> None:
    async def scenario() -> None:
        connection = LibvirtConnection(URI)
        barrier = threading.Barrier(3)
        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(connection.call(lambda _connection: barrier.wait(PATIENCE_S)))
        connection.close()

    asyncio.run(scenario())


def test_missing_binding_is_an_error_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "libvirt", None)
    with pytest.raises(HypervisorError, match=r"pip install reconciler\[libvirt\]"):
        load_libvirt.__wrapped__()
