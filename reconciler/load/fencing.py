"""Fencing topology: which devices are used on which node, level by level."""

from collections.abc import Mapping, Sequence

from reconciler.load.document import HostDocument, RemoteNodeDocument
from reconciler.load.namespace import Namespace
from reconciler.load.problems import Problems
from reconciler.load.validate import Checked
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import FencingLevel
from reconciler.model.resource import Resource


def fencing_levels_of(
    usable: Sequence[Checked],
    names: Namespace,
    resources: Mapping[ResourceId, Resource],
    problems: Problems,
) -> list[FencingLevel]:
    """Return the levels of all hosts and remote nodes, in document order."""
    found = []
    for checked in usable:
        raw, document = checked.raw, checked.document
        spec = document.spec if isinstance(document, HostDocument | RemoteNodeDocument) else None
        if spec is None or spec.fencing is None:
            continue
        for index, level in enumerate(spec.fencing.levels):
            path = ("spec", "fencing", "levels", index)
            devices: dict[ResourceId, Where] = {}
            for position, name in enumerate(level):
                where = raw.at((*path, position))
                device = _device(name, where, names, resources, problems)
                if device is None:
                    continue
                if device in devices:
                    problems.add(
                        where, "duplicate", f"{device} is listed twice", f"first at {devices[device]}"
                    )
                devices.setdefault(device, where)
            host = NodeName(document.metadata.name)
            found.append(
                FencingLevel(
                    id=f"fencing-{host}-{index + 1}",
                    where=raw.at(path),
                    index=index + 1,
                    devices=tuple(devices),
                    node=host,
                )
            )
    return found


def _device(
    name: str, where: Where, names: Namespace, resources: Mapping[ResourceId, Resource], problems: Problems
) -> ResourceId | None:
    found = names.resource(name, where)
    resource = resources.get(found) if found is not None else None
    if found is None or resource is None or resource.agent.standard == "stonith":
        return found
    hint = "name a resource whose agent is stonith:NAME"
    problems.add(where, "not-a-device", f"{found} is no fencing device", hint)
    return None
