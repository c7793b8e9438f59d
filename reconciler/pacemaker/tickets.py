"""Reads tickets: what may run only where its site holds a ticket, and what becomes of it when the ticket is lost.

Source: Pacemaker lib/pacemaker/pcmk_sched_tickets.c, constraints_for_ticket. To the planner a missing ticket is a ban
from all nodes, from promotion on them, or a resource that is left alone; or the nodes where it runs are unclean.
"""

from collections.abc import Iterator
from dataclasses import replace

from reconciler.model.collective import parts_of
from reconciler.model.constraint import Location
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import NodeState
from reconciler.model.observed import Instance, Observed
from reconciler.model.resource import Role
from reconciler.model.score import INFINITY
from reconciler.pacemaker.constraint_names import Reading, TicketNeed
from reconciler.pacemaker.document import Cib, Element, elements
from reconciler.pacemaker.values import boolean, role_of

_LOST = "deadman ticket was lost"


def read_tickets(reading: Reading, *, has_fencing: bool) -> list[TicketNeed]:
    """Return the needs that are not met."""
    held = _held(reading.cib)
    found = []
    for element in reading.cib.section("configuration/constraints"):
        if element.tag != "rsc_ticket":
            continue
        is_granted, is_standby = held.get(element.get("ticket", ""), (False, False))
        if is_granted and not is_standby:
            continue
        for resource, role in _subjects(reading, element):
            said = element.get("loss-policy", "").lower()
            policy = "stop" if said == "fence" and not has_fencing else said
            if policy not in {"stop", "demote", "freeze", "fence"}:
                policy = "demote" if role is Role.PROMOTED else "stop"
            where = reading.cib.where(element)
            ban = Location(
                id=element.get("id", ""),
                resource=resource,
                node=NodeName(""),
                score=-INFINITY,
                where=where,
                role=role if role is Role.PROMOTED else None,
            )
            found.append(TicketNeed(location=ban, policy=policy, is_lost=not is_granted))
    return found


def without_tickets(intent: Intent, observed: Observed, needs: list[TicketNeed]) -> tuple[Intent, Observed]:
    """Return what is asked and seen, with what follows from tickets that are not there."""
    for need in needs:
        resource, is_promotion = need.location.resource, need.location.role is Role.PROMOTED
        leaves = set(_leaves(intent, resource))
        active = [i for i in observed.instances.values() if i.role is not Role.STOPPED and _is_of(i, leaves)]
        matching = [i for i in active if not is_promotion or i.role is Role.PROMOTED]
        ban = need.location if is_promotion else replace(need.location, role=None)
        if need.policy == "stop":
            ban = replace(ban, role=None)
        if need.is_lost and active and need.policy == "fence" and matching:
            observed = _unclean(observed, matching)
        if need.is_lost and active and need.policy == "freeze":
            frozen = {r: replace(d, is_managed=False) for r, d in intent.resources.items() if r in leaves}
            intent = replace(intent, resources={**intent.resources, **frozen}) if matching else intent
            if not is_promotion:
                continue
        bans = tuple(replace(ban, node=node) for node in (*intent.hosts, *intent.guest_nodes()))
        intent = replace(intent, locations=(*intent.locations, *bans))
    return intent, observed


def _held(cib: Cib) -> dict[str, tuple[bool, bool]]:
    """Return whether each ticket is granted, and whether it is on standby."""
    return {
        state.get("id", ""): (boolean(state.get("granted")), boolean(state.get("standby")))
        for tickets in cib.section("status")
        if tickets.tag == "tickets"
        for state in elements(tickets, "ticket_state")
    }


def _subjects(reading: Reading, element: Element) -> Iterator[tuple[ResourceId, Role | None]]:
    sets = [reading.cib.resolve(block) for block in elements(element, "resource_set")]
    for block in sets:
        yield from ((r, role_of(block.get("role"))) for r in reading.members(block))
    if not sets:
        role = role_of(element.get("rsc-role"))
        yield from ((r, role) for r in reading.expand(element, element.get("rsc")))


def _leaves(intent: Intent, name: ResourceId) -> tuple[ResourceId, ...]:
    found = intent.collectives.get(name)
    if found is None:
        return (name,)
    return tuple(leaf for part in parts_of(found) for leaf in _leaves(intent, part))


def _is_of(instance: Instance, leaves: set[ResourceId]) -> bool:
    name, _, _ = instance.resource.rpartition(":")
    return instance.resource in leaves or name in leaves


def _unclean(observed: Observed, instances: list[Instance]) -> Observed:
    nodes = dict(observed.nodes)
    for instance in instances:
        status = nodes.get(instance.node)
        if status is not None and status.state is not NodeState.UNCLEAN:
            nodes[instance.node] = replace(status, state=NodeState.UNCLEAN, text=_LOST)
    return replace(observed, nodes=nodes)
