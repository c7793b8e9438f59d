"""Our controller's links to the lab's nodes."""

from reconciler.model.node import AgentAddress, AgentFlavor
from reconciler.model.resource import ResourceAgent
from reconciler.world.links.links import WireLink, WireLinks
from tests.lab.lab_agents import wait_for_agent
from tests.lab.lab_nodes import PORT, Node, OurNode
from tests.lab.lab_pacemaker import PATIENCE_S
from tests.world.links.peer import Heard, target

KEY = bytes(range(255, -1, -1)) * 16
"""As long as Pacemaker's guide has it."""
CONNECT_MS = int(PATIENCE_S * 1000)
DUMMY = ResourceAgent(standard="ocf", provider="pacemaker", type="Dummy")


def begin(node: Node) -> None:
    """Start a node's agent with KEY, and wait until it serves."""
    node.set_key(KEY)
    node.start()
    wait_for_agent(node.address, PORT, KEY)


def a_link(node: Node, heard: Heard, key: bytes = KEY) -> WireLink:
    """Return a link to a node's agent, not connected yet."""
    flavor = AgentFlavor.RECONCILER if isinstance(node, OurNode) else AgentFlavor.STOCK
    made = WireLinks(node.overlay.folder / "no.sock").link(
        target(AgentAddress(address=node.address, flavor=flavor), key), heard
    )
    assert isinstance(made, WireLink)
    return made
