"""A controller on a lab host itself, whose containers share its network: it writes down whose addresses are theirs.

Arguments: the containers' root, the agent's file, and where to write the answers, as JSON.
"""

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

from reconciler.model.intent import Cluster
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import AgentAddress, GuestType, Host, RemoteNode
from reconciler.model.resource import Guest, Hardware, Resource, ResourceAgent
from reconciler.ports import GuestStart
from reconciler.world.hypervisor import Hypervisors
from reconciler.world.libvirt.guests import LibvirtGuests
from reconciler.world.process.guests import ProcessGuests
from tests.lab.lab_agents import wait_for_agent

HERE = Where(file="lab.yaml", line=1)
HOST = Host(name=NodeName("a"), where=HERE, libvirt={GuestType.LXC: "lxc:///system"})
LOOPBACK = "127.0.0.1"
KEY = bytes(range(64))


def a_guest(name: str, root: str, port: int) -> Resource:
    """Return a container without an interface."""
    hardware = Hardware(memory_bytes=256 * 1024 * 1024, rootfs=root)
    agent = AgentAddress(address=LOOPBACK, port=port)
    return Resource(
        id=ResourceId(name),
        agent=ResourceAgent(standard="guest", type="lxc"),
        where=HERE,
        guest=Guest(type=GuestType.LXC, hardware=hardware),
        remote_node=RemoteNode(name=NodeName(f"{name}-node"), where=HERE, agent=agent),
    )


def with_port(guest: Resource, port: int) -> Resource:
    """Return a guest of which something else is believed."""
    assert guest.remote_node is not None
    node = guest.remote_node
    return replace(guest, remote_node=replace(node, agent=replace(node.agent, port=port)))


async def ask(root: str, agent_file: Path) -> dict[str, list[str]]:
    """Start two containers, and ask whose the one's address is, at three ports."""
    cluster = Cluster(name="lab")
    libvirt = LibvirtGuests(cluster.name, agent_file)
    guests = Hypervisors(ProcessGuests(agent_file.parent, agent_file, sys.executable), libvirt)
    one, two = a_guest("one", root, 3121), a_guest("two", root, 3122)
    for guest, port in ((one, 3121), (two, 3122)):
        start = GuestStart(guest=guest, cluster=cluster, uid="u", digest="d", commit="c", key=KEY)
        await guests.start(HOST, start)
        await asyncio.to_thread(wait_for_agent, LOOPBACK, port, KEY)
    believed = {"own": one, "swapped": with_port(one, 3122), "elsewhere": with_port(one, 3123)}
    said = {}
    for name, guest in believed.items():
        found = await guests.owner_of(HOST, guest, LOOPBACK)
        said[name] = [found.owner.value, found.text.partition(" (")[0]]
    for guest in (one, two):
        await guests.stop(HOST, guest.id, GuestType.LXC, 0)
    guests.close()
    return said


if __name__ == "__main__":
    target = Path(sys.argv[3])
    answers = asyncio.run(ask(sys.argv[1], Path(sys.argv[2])))
    written = target.with_suffix(".new")
    written.write_text(json.dumps(answers))
    written.replace(target)
