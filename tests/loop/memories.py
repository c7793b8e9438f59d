"""Memories to change: a journal in memory, a clock that stands, a host with a guest and what runs in it."""

from dataclasses import dataclass, replace
from typing import Any, cast

from reconciler.act.outcome import Outcome
from reconciler.loop.memory import Memory
from reconciler.loop.unfinished import Unfinished
from reconciler.model.history import History
from reconciler.model.intent import Intent
from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.node import GuestType
from reconciler.model.operation import OperationResult
from reconciler.model.transition import Action, ActionKind
from reconciler.observe.domains import Hypervisors
from reconciler.observe.nodes import NodeView
from reconciler.ports import Clock, Domain
from reconciler.sim.journal import MemoryJournal, Pages
from reconciler.sim.life import Life
from tests.plan.worlds import dummy, guest, intent, running

ASKED = intent("host1", guest("vm1", "guest1"), dummy("FAKE"), dummy("web"))
H1, G1 = NodeName("host1"), NodeName("guest1")
VM1, FAKE, WEB = ResourceId("vm1"), ResourceId("FAKE"), ResourceId("web")
LXC = (H1, GuestType.LXC)
DOMAIN = Domain(resource=VM1, cluster="test", digest="d", uid="start1", is_running=True, node=G1)
NOW = 100.0


@dataclass
class Still:
    """A clock that stands."""

    def now(self) -> float:
        return NOW

    def monotonic(self) -> float:
        return NOW


def _never() -> None:
    raise AssertionError("nothing dies here")


def memory(asked: Intent = ASKED, pages: Pages | None = None, **fields: Any) -> Memory:
    journal = MemoryJournal(pages or Pages(), Life(_never))
    made = Memory(
        journal=journal,
        history=History(),
        unfinished=Unfinished(journal, cast("Clock", Still())),
        intent=asked,
        hypervisors=Hypervisors().read(LXC, [DOMAIN], 0, "test"),
    )
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def in_guest(*resources: str, **fields: Any) -> NodeView:
    """The view of guest1 with resources that run in it."""
    instances = {ResourceId(r): running(ASKED, r, "guest1", **fields) for r in resources}
    return NodeView(name=G1, incarnation="start1", is_connected=True, is_known=True, instances=instances)


def action(kind: ActionKind, node: NodeName, resource: ResourceId | None = None, **fields: Any) -> Action:
    base = Action(id=ActionId(f"{resource}_{kind.value}@{node}"), kind=kind, node=node, resource=resource)
    return replace(base, **fields)


def outcome(done: Action, rc: int | None = 0, **fields: Any) -> Outcome:
    """How an action ended; rc of None: nobody knows."""
    result = None
    if rc is not None and done.resource is not None:
        result = OperationResult(resource=done.resource, operation=done.kind.value, rc=rc)
    return replace(Outcome(action=done, uid="uid1", result=result), **fields)
