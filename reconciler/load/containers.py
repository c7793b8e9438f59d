"""What runs inside of what: containers by name, each known, and none inside itself."""

from collections.abc import Mapping
from dataclasses import replace

from reconciler.load.namespace import Namespace
from reconciler.load.problems import Problems
from reconciler.model.names import ResourceId
from reconciler.model.resource import Resource


def with_containers(
    resources: Mapping[ResourceId, Resource], names: Namespace, problems: Problems
) -> dict[ResourceId, Resource]:
    """Return resources with their containers by the names under which these are declared.

    Args:
        resources: with containers as they are written.
        names: all that is declared.
        problems: takes what is no container.
    """
    found = dict(resources)
    for resource in resources.values():
        if resource.container is None:
            continue
        where = resource.at("spec", "container")
        container = names.resource(resource.container, where)
        if container is not None and container not in resources:
            text = f"{container} is no single resource"
            problems.add(where, "not-a-container", text, "name a guest or a resource")
            container = None
        found[resource.id] = replace(resource, container=container)
    for resource in found.values():
        if resource.id in _around(found, resource):
            problems.add(
                resource.at("spec", "container"),
                "names-itself",
                f"{resource.id} is inside itself",
                "remove it",
            )
    return found


def _around(resources: Mapping[ResourceId, Resource], resource: Resource) -> set[ResourceId]:
    """Return all containers around a resource, one within the other."""
    found: set[ResourceId] = set()
    container = resource.container
    while container is not None and container not in found:
        found.add(container)
        container = resources[container].container if container in resources else None
    return found
