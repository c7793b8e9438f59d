"""Does what a person does when told what is in the way; nothing that the controller did not ask for."""

import contextlib
from collections.abc import Awaitable, Callable
from functools import partial

from reconciler.loop.memory import Memory
from reconciler.loop.orders import adopt, allow_destroy, cleanup, restart
from reconciler.loop.reconciler import Reconciler
from reconciler.model.errors import UsageError
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName
from reconciler.model.transition import Blocked
from reconciler.sim.machines import Machines


async def operate(reconciler: Reconciler, machines: Machines, intent: Intent) -> None:
    """Forget all failures, and answer everything that is blocked."""
    machines.truth.note("operator", "", "")
    blocked = (*reconciler.transition.blocked, *reconciler.transition.gates)
    at_rest = {b.address.partition("/")[2] for b in blocked if "in maintenance" in b.text}
    removed = {b.address.partition("/")[2] for b in blocked if b.address.startswith(("resource/", "guest/"))}
    for name in sorted({*intent.resources, *removed} - at_rest):
        await _order(reconciler, partial(cleanup, resource=name, node=None))
    for each in blocked:
        await _answer(reconciler, machines, each)


async def _answer(reconciler: Reconciler, machines: Machines, blocked: Blocked) -> None:
    kind, _, name = blocked.address.partition("/")
    machines.truth.note("blocked", name, "", blocked.text)
    if blocked.code == "max-destroy":
        await _order(reconciler, partial(allow_destroy, guest=name))
    elif blocked.code == "adopt" and name in machines.hosts:
        await order_adoption(reconciler, machines, NodeName(name))
    elif blocked.code == "adopt":
        _end_guest_of(machines, NodeName(name))
    elif kind == "resource" and "reconcile restart" in blocked.text:
        await _order(reconciler, partial(restart, resource=name))


def order_adoption(reconciler: Reconciler, machines: Machines, node: NodeName) -> Awaitable[str]:
    """Say that a machine with a stock agent is ours, having restarted it: nothing runs there then, for certain."""
    machines.truth.note("adopted", "", node)
    machine = machines.hosts[node]
    machines.go_down(machine)
    machines.come_up(machine)
    machines.truth.learn_ends_on(node)

    def adopt_it(memory: Memory, now: float) -> str:
        with contextlib.suppress(UsageError):  # it may have become pointless meanwhile
            return adopt(memory, node, now)
        return ""

    return reconciler.call(adopt_it)


async def _order(reconciler: Reconciler, order: Callable[[Memory], str]) -> None:
    """Give an order; it may have become pointless meanwhile."""
    with contextlib.suppress(UsageError):
        await reconciler.call(lambda memory, _: order(memory))


def _end_guest_of(machines: Machines, node: NodeName) -> None:
    """Put an end to a guest by hand, rather than say what runs in it without knowing."""
    for machine, domain in machines.domains():
        if domain.agent is not None and domain.agent.node == node:
            machines.destroy(machine, domain, "guest-died")
