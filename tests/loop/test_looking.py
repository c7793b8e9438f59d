"""A look changes nothing, and is soon over."""

from dataclasses import replace

from reconciler.loop.looking import harmless
from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.node import AgentFlavor
from reconciler.model.transition import Action, ActionKind
from reconciler.settings import Settings
from tests.plan.worlds import dummy, guest, intent


def on(node: str, kind: ActionKind, timeout_ms: int = 20_000) -> Action:
    resource = None if kind is ActionKind.CONNECT else ResourceId("a")
    name = ActionId(f"{node}-{kind.value}")
    return Action(id=name, kind=kind, node=NodeName(node), resource=resource, timeout_ms=timeout_ms)


def test_a_look_asks_and_does_nothing_else() -> None:
    asked = intent("h1", dummy("a"))
    every = [on("h1", kind, 1000) for kind in ActionKind]
    assert [a.kind for a in harmless(asked, every, Settings())] == [ActionKind.PROBE, ActionKind.CONNECT]


def test_a_look_waits_no_longer_for_an_agent_than_a_person_would() -> None:
    asked = intent("h1", dummy("a"))
    slow, probe = on("h1", ActionKind.CONNECT, 60_000), on("h1", ActionKind.PROBE, 60_000)
    assert harmless(asked, [slow, probe], Settings(look_connect_s=5.0)) == [
        replace(slow, timeout_ms=5000),
        probe,
    ]


def test_a_look_leaves_stock_agents_alone() -> None:
    vm = guest("vm", "inside")
    assert vm.remote_node is not None
    agent = replace(vm.remote_node.agent, flavor=AgentFlavor.STOCK)
    asked = intent("h1", replace(vm, remote_node=replace(vm.remote_node, agent=agent)))
    assert harmless(asked, [on("inside", ActionKind.CONNECT)], Settings()) == []
