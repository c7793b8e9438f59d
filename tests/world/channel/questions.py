"""Messages of programs on guest1, in a cluster of a host with a guest in which something runs."""

from collections.abc import Mapping
from typing import Any

from agent import wire
from reconciler.model.attribute import NodeAttributes
from reconciler.model.names import NodeName
from reconciler.model.node import NodeKind
from reconciler.ports import ClusterView
from reconciler.world.channel.answer import Question
from tests.plan.worlds import dummy, empty_world, guest, intent, nodes, online, running, seen

G1, H1 = NodeName("guest1"), NodeName("host1")
ASKED = intent("host1", guest("vm1", "guest1"), dummy("FAKE", params={"password": "hush"}))
OBSERVED = seen(
    nodes(empty_world(ASKED), online("guest1", NodeKind.GUEST)),
    running(ASKED, "vm1", "host1"),
    running(ASKED, "FAKE", "guest1"),
)
OWN = NodeAttributes(permanent={"site": "east"}, transient={"load": "3"})
VIEW = ClusterView(
    intent=ASKED, observed=OBSERVED, attributes={H1: NodeAttributes(transient={"pingd": "100"}), G1: OWN}
)


def element(tag: str, *children: wire.Element, **attributes: str) -> wire.Element:
    return wire.Element(tag, attributes, children)


def ask(body: wire.Element, view: ClusterView = VIEW) -> Question:
    return Question(node=G1, session="s1", body=body, view=view)


def plain(found: wire.Element | None) -> Any:
    """An element as (tag, attributes, children), to be compared."""
    return None if found is None else (found.tag, dict(found.attributes), [plain(c) for c in found.children])


def pick(found: wire.Element | None, *names: str) -> Mapping[str, str]:
    """Some attributes of an element."""
    assert found is not None
    return {name: found.attributes[name] for name in names if name in found.attributes}
