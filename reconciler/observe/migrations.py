"""Adds to what both ends of a live migration are known to run what the migration says of it. Pure.

An end that is not in order may run the resource, whatever its own agent says: what was sent may have arrived.
"""

from collections.abc import Mapping
from dataclasses import replace

from reconciler.model.history import Migration, MigrationPhase
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.observed import Failure, Instance
from reconciler.model.operation import OCF_ERR_GENERIC
from reconciler.model.resource import Role
from reconciler.observe.nodes import NodeView

_Instances = Mapping[tuple[ResourceId, NodeName], Instance]


def ends_of_migrations(
    migrations: Mapping[ResourceId, Migration], views: Mapping[NodeName, NodeView], instances: _Instances
) -> dict[tuple[ResourceId, NodeName], Instance]:
    """Return the instances that are the ends of live migrations.

    Args:
        migrations: those that are not over.
        views: the nodes whose agents were heard.
        instances: what is known without.
    """
    found = {}
    for resource, migration in migrations.items():
        for node in migration.lives:
            known = instances.get((resource, node))
            if node not in views:
                found[(resource, node)] = _unheard(resource, migration, node)
            elif node == migration.source:
                found[(resource, node)] = _source(migration, known or _plain(resource, migration, node))
            else:
                found[(resource, node)] = _target(resource, migration, known)
    return found


def _unheard(resource: ResourceId, migration: Migration, node: NodeName) -> Instance:
    note = (
        f"it was being moved from {migration.source} to {migration.target}, and {node} was not heard of since"
    )
    uses = migration.uses
    return Instance(resource=resource, node=node, role=Role.UNKNOWN, started_as=uses, note=note)


def _source(migration: Migration, known: Instance) -> Instance:
    if known.role is not Role.STARTED:
        return known
    match migration.phase:
        case MigrationPhase.SENDING:
            return known
        case MigrationPhase.TAKEN:
            return replace(known, migrated_to=migration.target)
        case MigrationPhase.SENT if migration.target in migration.lives:
            return replace(known, migrating_to=migration.target)
        case MigrationPhase.SENT:
            return _failed(known, "migrate_from", f"it did not arrive on {migration.target}")
        case MigrationPhase.FAILED:
            return _failed(known, "migrate_to", f"its move to {migration.target} did not succeed")


def _target(resource: ResourceId, migration: Migration, known: Instance | None) -> Instance:
    is_there = known is not None and known.role is not Role.STOPPED
    arrived = known if known is not None and is_there else _plain(resource, migration, migration.target)
    is_on_its_way = migration.phase is MigrationPhase.SENT and arrived.role is Role.STARTED
    return replace(arrived, migrating_from=migration.source) if is_on_its_way else arrived


def _plain(resource: ResourceId, migration: Migration, node: NodeName) -> Instance:
    return Instance(resource=resource, node=node, role=Role.STARTED, started_as=migration.uses)


def _failed(known: Instance, operation: str, text: str) -> Instance:
    failure = known.failure or Failure(operation=operation, rc=OCF_ERR_GENERIC, text=text)
    return replace(known, failure=failure, can_migrate=False)
