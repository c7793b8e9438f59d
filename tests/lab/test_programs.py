"""Stock programs on a node work through our controller, beside our agent and beside stock ones of two generations."""

import asyncio
import re
import shutil

import pytest

from reconciler.model.attribute import NodeAttributes
from reconciler.model.names import NodeName
from reconciler.model.node import AgentAddress, AgentFlavor, NodeKind
from reconciler.ports import ClusterView
from reconciler.world.links.links import WireLinks
from tests.lab.lab_agents import wait_for_agent
from tests.lab.lab_images import Images
from tests.lab.lab_nodes import Node, OurNode
from tests.lab.lab_pacemaker import PATIENCE_S
from tests.plan.worlds import dummy, empty_world, guest, intent, nodes, online, running, seen
from tests.world.links.peer import NODE, Heard, target

KEY = bytes(range(255, -1, -1)) * 16
ASKED = intent("host1", guest("vm-guest1", "guest1"), dummy("FAKE"))

READS = {
    "crm_node -n": r"guest1",
    "crm_node -l": r"1 host1 member",
    "crmadmin -N": r"cluster node: host1 \(1\)\nguest node: guest1 \(guest1\)",
    "crm_mon -1": r"(?s).*Online: \[ host1 \].*GuestOnline: \[ guest1 \].*vm-guest1.* host1.*FAKE.* Started guest1",
    "cibadmin -Q -o nodes": r'(?s)<nodes>.*<node id="1" uname="host1"/>.* id="guest1" uname="guest1".*',
    "cibadmin -Q -A //nvpair[@name='remote-node']": r'<nvpair .* name="remote-node" value="guest1"/>',
    "crm_resource -W -r FAKE": r"resource FAKE is running on: guest1",
    "attrd_updater -n pingd -Q -A": r'name="pingd" host="host1" value="100"',
    "crm_failcount -r FAKE -G -N guest1 -q": r"0",
}
"""Programs, and what they print."""

WRITES: tuple[tuple[str, dict[str, str], dict[str, str]], ...] = (
    ("attrd_updater -n rack -U r1", {}, {"rack": "r1"}),
    ("attrd_updater -n rack -D", {}, {}),
    ("crm_attribute -N guest1 -l reboot -n load -v 3", {}, {"load": "3"}),
    ("crm_attribute -N guest1 -l reboot -n load -v value++", {}, {"load": "4"}),
    ("crm_attribute -N guest1 -l forever -n site -v east", {"site": "east"}, {"load": "4"}),
    ("crm_attribute -N guest1 -l forever -n site -v west", {"site": "west"}, {"load": "4"}),
    ("crm_attribute -N guest1 -l forever -n site -D", {}, {"load": "4"}),
    ("crm_attribute --promotion -v 11", {}, {"load": "4", "master-FAKE": "11"}),
    ("crm_master -Q -l reboot -v 12", {}, {"load": "4", "master-FAKE": "12"}),
)
"""Programs, and the node's permanent and transient attributes after each."""

REFUSED = {
    "attrd_updater -N host1 -n rack -U evil": "an attribute of host1",
    "crm_attribute -N host1 -l forever -n site -v evil": "cib_modify of nodes",
    "crm_attribute -n stonith-enabled -v true": "cib_modify of crm_config",
    "crm_standby -v on -N guest1": "standby, which is not the node's to decide",
    "cibadmin -M -X <nodes/>": "cib_modify of the CIB",
    "cibadmin -E --force": "cib_erase of the CIB",
    "crm_resource -r FAKE -B": "cib_modify of constraints",
    "crm_resource -C": "task clear-failure",
    "crm_node -R host1 --force": "cib_delete of nodes",
    "stonith_admin -F host1": "fencing: st_fence",
}
"""Programs that exit with an error, and what is written to the log."""


def cluster() -> ClusterView:
    there = nodes(empty_world(ASKED), online("guest1", NodeKind.GUEST))
    observed = seen(there, running(ASKED, "vm-guest1", "host1"), running(ASKED, "FAKE", "guest1"))
    host = NodeAttributes(transient={"pingd": "100"})
    attributes = {NodeName("host1"): host, NODE: NodeAttributes()}
    return ClusterView(intent=ASKED, observed=observed, attributes=attributes)


async def run(node: Node, command: str) -> tuple[int, str]:
    """Run a program on a node, as a resource agent would; return its exit code, and what it printed."""
    words = ["env", "OCF_RESOURCE_INSTANCE=FAKE", *command.split()]
    process = await asyncio.create_subprocess_exec(
        *node.inside(*words), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode().strip()


@pytest.mark.slow
@pytest.mark.parametrize("node", ["ours", "stock-2.1.5", "stock-3.0.0"], indirect=True)
def test_programs_read_the_cluster_and_write_their_own_nodes_attributes_only(
    node: Node, images: Images, caplog: pytest.LogCaptureFixture
) -> None:
    """What only the package of a whole cluster has is tried where the versions agree."""
    node.set_key(KEY)
    is_bookworm = "bookworm" in (node.root / "etc/os-release").read_text()
    if is_bookworm:
        shutil.copy(images.cluster_root() / "usr/sbin/crm_node", node.root / "usr/sbin")
    node.start()
    wait_for_agent(node.address, 3121, KEY)
    heard = Heard(cluster=cluster())
    flavor = AgentFlavor.RECONCILER if isinstance(node, OurNode) else AgentFlavor.STOCK
    where = AgentAddress(address=node.address, flavor=flavor)

    async def scenario() -> None:
        link = WireLinks(node.overlay.folder / "no.sock").link(target(where, KEY), heard)
        await link.connect(int(PATIENCE_S * 1000))
        for command, pattern in READS.items():
            if is_bookworm or not command.startswith("crm_node"):
                code, printed = await run(node, command)
                assert code == 0, f"{command}: {printed}"
                assert re.fullmatch(pattern, printed), f"{command}: {printed}"
        for command, permanent, transient in WRITES:
            assert (await run(node, command))[0] == 0, command
            got = heard.cluster.attributes[NODE]
            assert (got.permanent, got.transient) == (permanent, transient), command
        for command, what in REFUSED.items():
            if is_bookworm or not command.startswith("crm_node"):
                caplog.clear()
                code, printed = await run(node, command)
                assert code != 0, f"{command}: {printed}"
                assert any(what in getattr(r, "action", "") for r in caplog.records), command
        assert set(heard.cluster.attributes[NODE].transient) == {"load", "master-FAKE"}
        await link.close()

    async def limited() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await scenario()

    asyncio.run(limited())
