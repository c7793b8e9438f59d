"""Which moves are live.

The rules (Pacemaker Explained, "Migrating Resources"; lib/pacemaker/pcmk_sched_migration.c):

* What allows it, runs well and at one place only, and was not ordered to restart, migrates.
* Both nodes have to be there; a node that is fenced hands nothing over.
* It migrates as it was started: what is also to get other parameters is stopped and started.
"""

from reconciler.model.names import NodeName
from reconciler.model.observed import Instance
from reconciler.model.resource import Resource, Role
from reconciler.plan.situation import Situation


def can_migrate(situation: Situation, resource: Resource, instance: Instance, target: NodeName) -> bool:
    """Tell whether a resource can be moved live from where it runs."""
    is_sound = instance.role is Role.STARTED and instance.failure is None
    is_as_declared = instance.started_as is None or instance.started_as == situation.index.start_parameters(
        resource
    )
    are_there = situation.is_online(instance.node) and situation.is_online(target)
    is_asked_to_restart = resource.declared_as in situation.history.restarts
    return (
        resource.allows_migration
        and is_sound
        and is_as_declared
        and are_there
        and not is_asked_to_restart
        and len(situation.active(resource.id)) == 1
    )
