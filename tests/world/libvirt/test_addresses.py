"""Whose an address is, by libvirt's test driver: each domain's first interface has 192.168.0.1, and so on."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from reconciler.model.names import NodeName
from reconciler.model.node import AddressFinding, AddressOwner, AgentAddress, RemoteNode
from reconciler.world.libvirt.addresses import Question, Weight, evidence_of
from reconciler.world.listeners import Listener
from tests.world.libvirt.test_guests import HERE, HOST, WEB, XML, a_start, driver, guests

__all__ = ["driver"]

libvirt = pytest.importorskip("libvirt", reason="libvirt-python is not installed")

NIC = "<interface type='bridge'><mac address='52:54:00:00:00:0{}'/><source bridge='br0'/></interface>"
TWO_NICS = f"<devices>{NIC.format(1)}{NIC.format(2)}</devices>"
ONE_NIC = f"<devices>{NIC.format(3)}</devices>"
NODE = RemoteNode(name=NodeName("web1"), where=HERE, agent=AgentAddress(address="192.168.0.1"))


def with_devices(devices: str, name: str = "web") -> str:
    return XML.replace("</domain>", devices + "</domain>").replace(">web<", f">{name}<")


def begin(driver: Any) -> None:
    """Start the guest, and beside it a domain of somebody else."""

    async def start() -> None:
        running = guests()
        await running.start(HOST, a_start(xml=with_devices(ONE_NIC)))
        running.close()

    driver.createXML(with_devices(TWO_NICS, "other"), 0)
    asyncio.run(start())


def ask(
    driver: Any, address: str, macs: Sequence[str] = (), listeners: Sequence[Listener] = ()
) -> tuple[Weight, str] | None:
    question = Question(
        cluster="shop",
        resource=WEB,
        address=ip_address(address),
        macs=frozenset(macs),
        listeners=listeners,
    )
    found = evidence_of(driver, question)
    return None if found is None else (found.weight, found.finding.text)


def test_the_interface_that_answers_us_says_whose_an_address_is(driver: Any) -> None:
    begin(driver)
    own = "its host says that 192.168.0.1 is its own (52:54:00:00:00:03)"
    assert ask(driver, "192.168.0.1", ["52:54:00:00:00:03"]) == (Weight.ANSWERS_US, own)
    other = "its host says that 192.168.0.1 is that of the domain other (52:54:00:00:00:02)"
    assert ask(driver, "192.168.0.1", ["52:54:00:00:00:02"]) == (Weight.ANSWERED_ANOTHER, other)
    # What is reported of the guest does not count against what has answered.
    assert ask(driver, "192.168.0.1", ["52:54:00:00:00:04"]) is None
    assert ask(driver, "192.168.0.1", ["52:54:00:00:00:03", "52:54:00:00:00:02"]) is None


def test_where_nothing_answers_us_directly_reports_count(driver: Any) -> None:
    begin(driver)
    own = "its host says that 192.168.0.1 is its own (52:54:00:00:00:03)"
    assert ask(driver, "192.168.0.1") == (Weight.REPORTED, own)
    other = "its host says that 192.168.0.2 is that of the domain other (52:54:00:00:00:02)"
    assert ask(driver, "192.168.0.2") == (Weight.REPORTED_OF_ANOTHER, other)
    assert ask(driver, "192.0.2.7") is None


def test_a_listening_process_is_that_of_the_machine_whose_uuid_it_is_called_by(driver: Any) -> None:
    begin(driver)
    other = driver.lookupByName("other")
    machines = {name: driver.lookupByName(name).UUIDString() for name in ("web", "other")}
    listeners = {
        name: Listener(pid=7, words=("qemu", "-uuid", uuid), line=(7, other.ID(), 1))
        for name, uuid in machines.items()
    }
    own = "its host says that 127.0.0.1 is its own (its process 7 listens there)"
    assert ask(driver, "127.0.0.1", listeners=[listeners["web"]]) == (Weight.REPORTED, own)
    strange = "its host says that 127.0.0.1 is that of the domain other (its process 7 listens there)"
    assert ask(driver, "127.0.0.1", listeners=[listeners["other"]]) == (Weight.REPORTED_OF_ANOTHER, strange)
    assert ask(driver, "127.0.0.1", listeners=[replace(listeners["web"], words=("sshd",))]) is None


def test_a_host_says_whose_an_address_is_or_that_it_cannot(driver: Any) -> None:
    begin(driver)
    web = replace(a_start().guest, remote_node=NODE)

    async def scenario() -> list[AddressFinding]:
        running = guests()
        found = [
            await running.owner_of(HOST, web, ip_address(address)) for address in ("192.168.0.2", "192.0.2.7")
        ]
        running.close()
        return found

    strange = "its host says that 192.168.0.2 is that of the domain other (52:54:00:00:00:02)"
    nobody = "neither the controller nor h1 has 192.0.2.7 as a neighbour, in a lease, or from a process"
    assert asyncio.run(scenario()) == [
        AddressFinding(owner=AddressOwner.STRANGER, text=strange),
        AddressFinding(owner=AddressOwner.UNKNOWN, text=nobody),
    ]
