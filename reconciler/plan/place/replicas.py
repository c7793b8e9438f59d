"""Assigns what belongs to the containers of a bundle, once these have their nodes, and then what is in them."""

from collections.abc import Iterator

from reconciler.model.collective import Bundle, Replica
from reconciler.model.constraint import Colocation
from reconciler.model.names import ResourceId
from reconciler.model.score import INFINITY
from reconciler.plan.place.colocation import follow_primary
from reconciler.plan.place.state import Assignment


def assign_belongings(assignment: Assignment, bundle: Bundle) -> Iterator[ResourceId]:
    """Ask for all that belongs to a bundle whose containers are assigned."""
    for replica in bundle.replicas:
        if replica.address is not None:
            yield replica.address
        if replica.connection is not None:
            _follow_remote_node(assignment, bundle, replica, replica.connection)
            yield replica.connection
    if bundle.inner is not None:
        yield bundle.inner


def _follow_remote_node(
    assignment: Assignment, bundle: Bundle, replica: Replica, connection: ResourceId
) -> None:
    """Keep the connection to a container on a remote node where that node is connected: only from there it is reached.

    Source: Pacemaker lib/pacemaker/pcmk_sched_bundle.c, assign_replica.
    """
    node = assignment.nodes.get(replica.container)
    around = assignment.situation.connection(node) if node is not None else None
    if around is not None:
        colocation = Colocation(
            id="replica-with-remote-node",
            dependent=connection,
            primary=around.id,
            score=INFINITY,
            where=bundle.where,
        )
        follow_primary(assignment, colocation, connection)
