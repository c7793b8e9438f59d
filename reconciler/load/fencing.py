"""Fencing topology: which devices are used on which nodes, level by level."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.load.document import ClusterDocument, HostDocument, RemoteNodeDocument
from reconciler.load.document_cluster import NodeLevels
from reconciler.load.namespace import Namespace
from reconciler.load.positions import Path, RawDocument
from reconciler.load.problems import Problems
from reconciler.load.validate import Checked
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import FencingLevel
from reconciler.model.resource import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """The nodes that levels are for."""

    name: str
    """For ids."""
    node: NodeName | None = None
    pattern: str | None = None
    label: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """Reads levels."""

    names: Namespace
    resources: Mapping[ResourceId, Resource]
    problems: Problems

    def levels_of(self, usable: Sequence[Checked]) -> list[FencingLevel]:
        """Return the levels of the cluster, and of all hosts and remote nodes, in document order."""
        found = []
        for checked in usable:
            raw, spec = checked.raw, getattr(checked.document, "spec", None)
            match checked.document:
                case HostDocument(metadata=metadata) | RemoteNodeDocument(metadata=metadata) if (
                    spec is not None and spec.fencing is not None
                ):
                    host = _Target(name=metadata.name, node=NodeName(metadata.name))
                    found += self._levels(raw, ("spec", "fencing"), spec.fencing.levels, host)
                case ClusterDocument() if spec is not None and spec.fencing is not None:
                    for index, nodes in enumerate(spec.fencing.nodes or []):
                        path: Path = ("spec", "fencing", "nodes", index)
                        target = self._target(raw, path, nodes)
                        found += self._levels(raw, path, nodes.levels, target)
                case _:
                    pass
        return found

    def _target(self, raw: RawDocument, path: Path, nodes: NodeLevels) -> _Target:
        number = f"nodes-{path[-1]}"
        if (nodes.pattern is None) == (nodes.labels is None):
            text, hint = "exactly one of pattern and labels says which nodes these levels are for", ""
            self.problems.add(raw.at(path), "does-not-fit", text, hint)
        if nodes.pattern is not None:
            try:
                re.compile(nodes.pattern)
            except re.error as error:
                text = f'"{nodes.pattern}" is no regular expression: {error}'
                self.problems.add(raw.at((*path, "pattern")), "bad-value", text, "such as web-[0-9]+")
        label = next(iter((nodes.labels or {}).items()), None)
        return _Target(name=number, pattern=nodes.pattern, label=label)

    def _levels(
        self, raw: RawDocument, path: Path, levels: Sequence[Sequence[str]], target: _Target
    ) -> list[FencingLevel]:
        return [
            FencingLevel(
                id=f"fencing-{target.name}-{index + 1}",
                where=raw.at((*path, "levels", index)),
                index=index + 1,
                devices=self._devices(raw, (*path, "levels", index), level),
                node=target.node,
                pattern=target.pattern,
                label=target.label,
            )
            for index, level in enumerate(levels)
        ]

    def _devices(self, raw: RawDocument, path: Path, level: Sequence[str]) -> tuple[ResourceId, ...]:
        devices: dict[ResourceId, Where] = {}
        for position, name in enumerate(level):
            where = raw.at((*path, position))
            device = self._device(name, where)
            if device is None:
                continue
            if device in devices:
                text = f"{device} is listed twice"
                self.problems.add(where, "duplicate", text, f"first at {devices[device]}")
            devices.setdefault(device, where)
        return tuple(devices)

    def _device(self, name: str, where: Where) -> ResourceId | None:
        found = self.names.resource(name, where)
        resource = self.resources.get(found) if found is not None else None
        if found is None or resource is None or resource.agent.standard == "stonith":
            return found
        hint = "name a resource whose agent is stonith:NAME"
        self.problems.add(where, "not-a-device", f"{found} is no fencing device", hint)
        return None
