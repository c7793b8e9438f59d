"""Heeds tickets: an intent and what tickets are granted become an intent in which the lack of one is bans and freezes.

The rules (Pacemaker Explained, "Multi-Site Clusters and Tickets"; lib/pacemaker/pcmk_sched_tickets.c):

* Without its ticket, or with one on standby, a resource runs nowhere; if only promotion needs it, nothing is promoted.
* What runs when its ticket is lost is treated by the loss policy: stopped, demoted, left as it is (frozen), or ended
  with the nodes where it runs, which are fenced. For the promoted role, the last two hold for what is promoted.
* Without fencing, `fence` is `stop`. A ticket on standby is not lost: what needs it stops, or is demoted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.model.collective import parts_of
from reconciler.model.constraint import Location, LossPolicy, TicketConstraint
from reconciler.model.history import TicketState
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId, TicketName, Where
from reconciler.model.observed import Instance, Observed
from reconciler.model.resource import Resource, Role
from reconciler.model.score import INFINITY
from reconciler.model.transition import Reason

_LOST = "deadman ticket was lost"
"""Pacemaker's words for why a node is fenced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """Why a resource does not run that would, had its cluster a ticket."""

    text: str
    """A sentence."""
    where: Where
    """Of the constraint."""

    @property
    def reason(self) -> Reason:
        """Return it as the reason of what is done."""
        return Reason("ticket", self.text, self.where)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heeded:
    """What follows from the tickets that are not there, or are not to be used."""

    intent: Intent
    lacking: Mapping[ResourceId, Lack] = field(default_factory=dict)
    """Of the declared primitives that are to run nowhere, or are frozen; if they lack several, the first."""
    unpromotable: Mapping[ResourceId, Lack] = field(default_factory=dict)
    """The same of those that may run, and are not to be promoted."""
    frozen: frozenset[tuple[ResourceId, NodeName]] = frozenset()
    """What is left as it is, by the names that nodes know, and where."""
    forfeited: Mapping[NodeName, str] = field(default_factory=dict)
    """The nodes that are to be fenced, and why."""


def heed_tickets(intent: Intent, observed: Observed, states: Mapping[TicketName, TicketState]) -> Heeded:
    """Return what tickets come to now.

    Args:
        intent: as in force now.
        observed: for what runs.
        states: of the tickets; one that is not among them is not granted.
    """
    if not intent.tickets:
        return Heeded(intent=intent)
    nodes = (*intent.hosts, *intent.guest_nodes())
    bans: list[Location] = []
    frozen: set[tuple[ResourceId, NodeName]] = set()
    untouched: set[ResourceId] = set()
    lacking: dict[ResourceId, Lack] = {}
    unpromotable: dict[ResourceId, Lack] = {}
    forfeited: dict[NodeName, str] = {}
    for need in intent.tickets:
        state = states.get(need.ticket, TicketState())
        if state.is_granted and not state.is_standby:
            continue
        lack = Lack(text=_text(need.ticket, state), where=need.where)
        leaves = _leaves(intent, need.resource)
        policy = _policy(intent, need)
        struck = [] if state.is_granted else _struck(need, observed, frozenset(leaves))
        role = None if policy is LossPolicy.STOP else need.role
        if policy is LossPolicy.FREEZE:
            frozen |= {(i.resource, i.node) for i in struck}
        elif policy is LossPolicy.FENCE:
            forfeited |= {instance.node: _LOST for instance in struck}
        if role is None:
            lacking = {**dict.fromkeys(leaves, lack), **lacking}
        else:
            unpromotable = {**dict.fromkeys(leaves, lack), **unpromotable}
        if role is None and struck and policy is LossPolicy.FREEZE:
            untouched |= {*leaves}
        else:
            bans += _bans(need, role, nodes, lack)
    return Heeded(
        intent=replace(intent, resources=_untouched(intent, untouched), locations=(*intent.locations, *bans)),
        frozen=frozenset(frozen),
        lacking=lacking,
        unpromotable=unpromotable,
        forfeited=forfeited,
    )


def all_granted(intent: Intent) -> dict[TicketName, TicketState]:
    """Return the states of a cluster that holds every ticket that an intent names; for plans on paper."""
    return {need.ticket: TicketState(is_granted=True) for need in intent.tickets}


def _text(ticket: TicketName, state: TicketState) -> str:
    return f"ticket {ticket} is on standby" if state.is_granted else f"ticket {ticket} is not granted"


def _policy(intent: Intent, need: TicketConstraint) -> LossPolicy:
    can_fence = intent.cluster.policy.has_fencing
    return LossPolicy.STOP if need.on_loss is LossPolicy.FENCE and not can_fence else need.on_loss


def _struck(need: TicketConstraint, observed: Observed, leaves: frozenset[ResourceId]) -> list[Instance]:
    """Return what runs by a ticket that was lost."""
    active = (i for i in observed.instances.values() if i.role is not Role.STOPPED and _is_of(i, leaves))
    return [i for i in active if need.role is None or i.role is need.role]


def _is_of(instance: Instance, leaves: frozenset[ResourceId]) -> bool:
    """Tell whether an instance is one of some resources; of a unique clone, it has a number."""
    name, _, _ = instance.resource.rpartition(":")
    return instance.resource in leaves or name in leaves


def _leaves(intent: Intent, name: ResourceId) -> tuple[ResourceId, ...]:
    """Return the declared primitives that a name stands for."""
    found = intent.collectives.get(name)
    if found is None:
        return (name,)
    return tuple(leaf for part in parts_of(found) for leaf in _leaves(intent, part))


def _bans(need: TicketConstraint, role: Role | None, nodes: Iterable[NodeName], lack: Lack) -> list[Location]:
    return [
        Location(
            id=f"{need.id}-{node}",
            resource=need.resource,
            node=node,
            score=-INFINITY,
            where=need.where,
            role=role,
            lack=lack.text,
        )
        for node in nodes
    ]


def _untouched(intent: Intent, names: set[ResourceId]) -> Mapping[ResourceId, Resource]:
    """Return the resources, of which those that are frozen as a whole are neither stopped nor started."""
    if not names:
        return intent.resources
    return {r: replace(d, is_managed=False) if r in names else d for r, d in intent.resources.items()}
