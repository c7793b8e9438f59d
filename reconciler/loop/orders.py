"""What an operator may order, each a change of memory that the next plan answers to."""

from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches

from reconciler.loop.attributes import present_attributes
from reconciler.loop.memory import Memory
from reconciler.loop.migrations import without_node
from reconciler.model.digest import start_parameters
from reconciler.model.errors import UsageError
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import STOCK_MACHINE, LinkReason
from reconciler.model.observed import Instance
from reconciler.model.resource import Resource, Role
from reconciler.observe.domains import GuestFact
from reconciler.observe.nodes import NodeView
from reconciler.observe.snapshot import is_stranger
from reconciler.plan.rules import in_force, with_nodes_in_force


def cleanup(memory: Memory, resource: str, node: str | None) -> str:
    """Forget a resource's failures, on one node or on all, so that it is tried again."""
    found = _anything(memory, resource)
    place = _node(memory, node) if node else None
    memory.remember(memory.history.without_failures(found, place))
    for name, view in list(memory.views.items()):
        known = view.instances.get(found)
        if known is not None and known.failure is not None and place in {None, name}:
            instances = {r: i for r, i in view.instances.items() if r != found}
            # With none on record, monitors are armed again and tell how it is; by themselves they tell changes only.
            left = replace(known, failure=None, monitors=frozenset())
            is_up = known.role is not Role.STOPPED
            memory.views[name] = replace(view, instances={**instances, found: left} if is_up else instances)
    kept = {
        node_name: failure
        for node_name, failure in memory.history.connections.items()
        if (guest := memory.guest_of(node_name)) is None or guest.id != found
    }
    memory.remember(replace(memory.history, connections=kept))
    return f"forgot the failures of {found}" + (f" on {place}" if place else "")


def restart(memory: Memory, resource: str) -> str:
    """Stop a resource and start it again; one with unknown parameters is stopped with the declared ones."""
    found = _resource(memory, resource)
    memory.remember(replace(memory.history, restarts=memory.history.restarts | {found.id}))
    return f"{found.id} will be restarted"


def allow_destroy(memory: Memory, guest: str) -> str:
    """Let the removal of a guest through the gate of safety.maxDestroy."""
    declared = memory.intent.resources if memory.intent else {}
    # Of a guest that is no node, its domain is all that is left once the journal is lost.
    known = memory.history.former.keys() | memory.hypervisors.present()
    name = match_name(guest, sorted(known - declared.keys()), "removed guest")
    allowed = memory.history.allowed_destroys | {ResourceId(name)}
    memory.remember(replace(memory.history, allowed_destroys=allowed))
    return f"{name} may be removed"


def adopt(memory: Memory, name: str, now: float) -> str:
    """Take a resource with unknown parameters, or a node's stock agent, as what is declared for now (epoch seconds)."""
    incarnations = memory.incarnations()
    intent = memory.intent or Intent()
    strangers = [host for host in intent.hosts if is_stranger(intent, memory.history, host)]
    for node in (*incarnations, *strangers):
        if node.lower() == name.lower():
            return _adopt_node(memory, node, incarnations.get(node))
    found = _resource(memory, name)
    present = present_attributes(memory.history, memory.views)
    attributes = {node: said.merged() for node, said in present.items()}
    asked = in_force(with_nodes_in_force(intent, now), attributes, now)[found.id]
    adopted = []
    for node, view in list(memory.views.items()):
        known = view.instances.get(found.id)
        if known is None or known.role is not Role.UNKNOWN:
            continue
        uses = start_parameters(asked, node)
        memory.views[node] = view.with_instance(
            Instance(resource=found.id, node=node, role=Role.STARTED, started_as=uses)
        )
        memory.save_adopted(node, view.incarnation, found.id, uses, now)
        adopted.append(str(node))
    if not adopted:
        raise UsageError(f"nothing about {found.id} is unknown; see `reconcile status`")
    return f"{found.id} on {' and '.join(adopted)} is taken as declared"


def as_declared(intent: Intent) -> Intent:
    """Return a declaration as it is."""
    return intent


def all_stopped(intent: Intent) -> Intent:
    """Return a declaration of which everything is to be stopped (Pacemaker's stop-all-resources)."""
    stopped = {name: replace(r, state=Role.STOPPED) for name, r in intent.resources.items()}
    return replace(intent, resources=stopped)


def confirm_fenced(memory: Memory, node: str) -> str:
    """Take an operator's word that a host is dead: what ran there is recovered elsewhere."""
    hosts = [str(h) for h in memory.intent.hosts] if memory.intent else []
    name = NodeName(match_name(node, hosts, "host"))
    view = memory.views.get(name)
    if view is not None and view.is_connected:
        raise UsageError(f"{name}'s agent is connected: it is not dead; use `state: standby` to empty it")
    if any(host == name for host, _ in memory.hypervisors.readable):
        raise UsageError(f"{name}'s hypervisor answers: it is not dead; use `state: standby` to empty it")
    memory.unfinished.see_death(name)
    memory.remember(without_node(memory.history, name))
    memory.hypervisors = memory.hypervisors.without_host(name, memory.next_sequence())
    for guest in memory.intent.resources.values() if memory.intent else ():
        if guest.guest is not None and (guest.id, name) not in memory.hypervisors.facts:
            fact = GuestFact(domain=None, guest_type=guest.guest.type, sequence=memory.next_sequence())
            memory.hypervisors = memory.hypervisors.with_fact(guest.id, name, fact)
    text = "an operator confirmed that it is dead"
    memory.views[name] = NodeView(name=name, has_left=True, is_known=True, reason=LinkReason.LEFT, text=text)
    return f"{name} is taken as dead; what ran there is recovered elsewhere"


def match_name(name: str, known: Sequence[str], what: str) -> str:
    """Return the known name that is meant, compared without case.

    Raises:
        UsageError: there is none; the text suggests one.
    """
    for candidate in known:
        if candidate.lower() == name.lower():
            return candidate
    close = get_close_matches(name, known, 1)
    hint = f"did you mean {close[0]}?" if close else f"there is {', '.join(sorted(set(known))) or 'none'}"
    raise UsageError(f"there is no {what} {name!r}; {hint}")


def _adopt_node(memory: Memory, node: NodeName, incarnation: str | None) -> str:
    """Take a stock agent as ours; `incarnation` is that of its guest, None for a machine that we do not start."""
    if incarnation is None:
        incarnation = STOCK_MACHINE
        memory.remember(replace(memory.history, adopted=memory.history.adopted | {node}))
    memory.journal.open_incarnation(node, incarnation)
    memory.views[node] = NodeView(name=node, incarnation=incarnation, is_adopted=True)
    return f"{node} is adopted: what runs there is taken as declared"


def _anything(memory: Memory, name: str) -> ResourceId:
    """Return what is declared, or was and may still run: its failures have to be put right too."""
    declared = memory.intent.resources if memory.intent else {}
    running = {r for view in memory.views.values() for r in view.instances}
    known = {*declared, *memory.history.former, *running}
    return ResourceId(match_name(name, sorted(str(r) for r in known), "resource"))


def _resource(memory: Memory, name: str) -> Resource:
    known = dict(memory.intent.resources) if memory.intent else {}
    return known[ResourceId(match_name(name, [str(r) for r in known], "resource"))]


def _node(memory: Memory, name: str) -> NodeName:
    intent = memory.intent
    known = [str(n) for n in [*intent.hosts, *intent.guest_nodes()]] if intent else []
    return NodeName(match_name(name, known, "node"))
