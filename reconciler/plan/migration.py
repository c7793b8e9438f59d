"""Which moves are live.

The rules (Pacemaker Explained, "Migrating Resources"; lib/pacemaker/pcmk_sched_migration.c):

* What allows it, runs well and at one place only, and was not ordered to restart, migrates.
* Both nodes have to be there; a node that is fenced hands nothing over.
* A migration that has begun goes on if its target is still the best node. If not, what may run at both ends is
  stopped, and started again.
* It migrates as it was started: what is also to get other parameters is stopped and started.
* What it has left behind where nobody can clear it may run there: till then it is not started anywhere else.

Our executor hands over what resource agents of class ocf run once (OCF Resource Agent API 1.1, migrate_to): guests and
clones are stopped and started.
"""

from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import NodeState
from reconciler.model.observed import Instance
from reconciler.model.resource import Resource, Role
from reconciler.plan.situation import Situation


def is_carried_out(intent: Intent, resource: Resource) -> bool:
    """Tell whether our executor can move something of this kind live."""
    return resource.guest is None and resource.agent.standard == "ocf" and resource.id not in intent.cloned()


def is_partial(active: tuple[Instance, ...]) -> bool:
    """Tell whether a live migration has begun, and has not been taken up."""
    return bool([i for i in active if i.migrating_to is not None or i.migrating_from is not None])


def handed_over(
    situation: Situation, resource: Resource, active: tuple[Instance, ...], target: NodeName | None
) -> Instance | None:
    """Return the instance that is handed over by a live migration that can go on; None if there is none."""
    if target is None or len(active) != 2:
        return None
    source = next((i for i in active if i.migrating_to == target), None)
    is_sound = all(i.failure is None for i in active)
    return (
        source if source is not None and is_sound and _can_move(situation, resource, source, target) else None
    )


def uncleared(situation: Situation, resource: ResourceId) -> str | None:
    """Return why what live migrations have left of something cannot be cleared; None if it can, or nothing is left."""
    for instance in situation.leftovers(resource):
        status = situation.node(instance.node)
        is_lost = status is not None and status.state not in {NodeState.ONLINE, NodeState.OFFLINE}
        if is_lost and instance.node not in situation.fences:
            return f"what its move has left on {instance.node}, whose agent is not connected, has to be cleared first"
    return None


def can_migrate(situation: Situation, resource: Resource, instance: Instance, target: NodeName) -> bool:
    """Tell whether a resource can be moved live from where it runs."""
    is_alone = len(situation.active(resource.id)) == 1 and not is_partial((instance,))
    return is_alone and _can_move(situation, resource, instance, target)


def _can_move(situation: Situation, resource: Resource, instance: Instance, target: NodeName) -> bool:
    is_sound = instance.role is Role.STARTED and instance.failure is None and instance.can_migrate
    is_as_declared = instance.started_as is None or (
        instance.started_as == situation.index.start_parameters(resource, instance.node)
    )
    are_there = situation.is_online(instance.node) and situation.is_online(target)
    is_asked_to_restart = resource.declared_as in situation.history.restarts
    return (
        resource.allows_migration
        and is_sound
        and is_as_declared
        and are_there
        and not is_asked_to_restart
        and not instance.is_starting
    )
