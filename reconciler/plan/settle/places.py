"""The relations that colocations, containers and connections make.

The rules:

* What must be with a primary does not start while the primary cannot, and is stopped when it is certain that that
  cannot run; or, where only the promoted role must be, is not promoted.
* What is in a container starts after it, again when it does, and stops before it; what failed to, after it.
* What is on a remote node stops before its connection stops for good.
"""

from collections.abc import Iterator, Mapping

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.resource import Resource, Role
from reconciler.model.score import INFINITY
from reconciler.plan.consequences import is_ended_by_container
from reconciler.plan.decision import Decision
from reconciler.plan.settle.collectives import done
from reconciler.plan.settle.tasks import START, STOP, Blocking, Bond, Relation, Verb
from reconciler.plan.situation import Situation

Decisions = Mapping[ResourceId, Decision]


def colocation_relations(situation: Situation) -> Iterator[Relation]:
    """Return a relation for each duty to be where something else is."""
    for colocation in situation.intent.colocations:
        if colocation.score < INFINITY or not situation.is_known(colocation.primary):
            continue
        is_of_role = colocation.dependent_role is Role.PROMOTED
        verb, leaves = (
            (Verb.PROMOTE, situation.leaves_with_roles) if is_of_role else (START, situation.leaves)
        )
        for leaf in leaves(colocation.dependent):
            if leaf in situation.resources:
                yield Relation(
                    first=done(situation, colocation.primary, START),
                    then=(leaf, verb),
                    bond=Bond.WITH,
                    where=colocation.where,
                    is_order=False,
                    blocks=Blocking.ALWAYS,
                )


def container_relations(situation: Situation) -> Iterator[Relation]:
    """Return the relations between containers, and what runs in them or connects them."""
    for resource in situation.resources.values():
        container = resource.container
        if container is None or container not in situation.resources:
            continue
        yield Relation(
            first=(container, START),
            then=(resource.id, START),
            bond=Bond.AFTER,
            implies_then=True,
            blocks=Blocking.ALWAYS,
        )
        if _has_failed_to_stop(situation, resource):
            yield Relation((container, STOP), (resource.id, STOP), Bond.AFTER)
            yield Relation((resource.id, STOP), (container, START), Bond.AFTER)
            continue
        yield Relation(
            first=(resource.id, STOP),
            then=(container, STOP),
            bond=Bond.AFTER,
            implies_first=True,
        )


def _has_failed_to_stop(situation: Situation, resource: Resource) -> bool:
    """Tell whether something failed to stop in its container."""
    failures = [i.failure for i in situation.active(resource.id)]
    return any(f is not None and is_ended_by_container(resource, f) for f in failures)


def remote_relations(situation: Situation, decisions: Decisions) -> Iterator[Relation]:
    """Return the relations between connections that end, and what runs on their nodes; one that moves ends nothing."""
    remote = {
        node: guest
        for node, guest in situation.guests.items()
        if guest.agent.is_connection and guest.container is None and guest.id in decisions
    }
    for decision in decisions.values() if remote else ():
        for instance in decision.active if decision.resource.guest is None else ():
            if instance.node in remote and not decisions[remote[instance.node].id].starts:
                yield from _leaving(situation, decision, remote[instance.node], instance.node)


def _leaving(
    situation: Situation, decision: Decision, connection: Resource, node: NodeName
) -> Iterator[Relation]:
    """Stop what is on a remote node before its connection stops for good."""
    if node not in situation.fences and not _is_down(situation, connection, decision):
        yield Relation(
            first=(decision.resource.id, STOP),
            then=(connection.id, STOP),
            bond=Bond.GUEST,
            is_order=False,
            implies_first=True,
        )


def _is_down(situation: Situation, connection: Resource, decision: Decision) -> bool:
    """Tell whether a connection is down, so that nothing can be done before it is up again."""
    remote = connection.remote_node
    return remote is None or not situation.is_online(remote.name) or decision.resource.id == connection.id
