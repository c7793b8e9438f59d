"""Bundles: what a document declares, checked, and the documents of resources that it stands for.

What that is, is `model/bundle.py`'s to say. The resources are then read as those that are written.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address

from reconciler.load.collectives import Subject
from reconciler.load.document import BundleDocument, GuestDocument, Metadata, ResourceDocument, ResourceSpec
from reconciler.load.document_bundle import BundleNetwork, PortMapping
from reconciler.load.document_nodes import GuestNode
from reconciler.load.document_operations import Monitor, Operations
from reconciler.load.namespace import Entry, Namespace, What
from reconciler.load.positions import Path, RawDocument
from reconciler.load.problems import Problems
from reconciler.load.validate import API_VERSION, Checked
from reconciler.model import bundle as model
from reconciler.model.collective import Clone, Collective
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import HOST_OF_CONTAINER
from reconciler.model.resource import Resource

_NETWORK: Path = ("spec", "network")


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleReading:
    """A bundle document, checked."""

    raw: RawDocument
    document: BundleDocument
    id: ResourceId
    declared: model.BundleDeclaration
    rank: int

    @property
    def members(self) -> tuple[ResourceId, ...]:
        """Return all that it stands for, and what runs in it: they take settings from it as from a group."""
        parts = [part.id for part in _parts(self.declared)]
        return (*parts, self.declared.content) if self.declared.content is not None else tuple(parts)


def read_bundles(
    ranked: Sequence[tuple[int, Checked]], names: Namespace, problems: Problems
) -> list[BundleReading]:
    """Return the bundles.

    Args:
        ranked: documents with their ranks.
        names: learns the names that bundles make, and what runs in them.
        problems: takes what does not fit together.
    """
    found = []
    for rank, checked in ranked:
        raw, document = checked.raw, checked.document
        if not isinstance(document, BundleDocument):
            continue
        name, spec = ResourceId(document.metadata.name), document.spec
        content = None
        if spec.resource is not None:
            content = names.add_content(spec.resource, name, raw.at(("spec", "resource")))
        declared = _declaration(document, content)
        _check(raw, document, declared, problems)
        _declare_parts(raw, declared, names)
        found.append(
            BundleReading(
                raw=raw,
                document=document,
                id=name,
                declared=declared,
                rank=rank if spec.rank is None else spec.rank,
            )
        )
    return found


def parts_of(bundle: BundleReading) -> Iterator[ResourceDocument]:
    """Yield the resources that a bundle stands for, as if they had been written."""
    declared = bundle.declared
    nodes = {declared.container(number).id: _node(declared, number) for number in range(len(declared.nodes))}
    for part in _parts(declared):
        yield _document(bundle, part, nodes.get(part.id))


def with_contents(
    resources: Mapping[ResourceId, Resource], bundles: Sequence[BundleReading]
) -> dict[ResourceId, Resource]:
    """Return resources, those in bundles bound to their nodes; the capacity that they take is their containers'."""
    found = dict(resources)
    for bundle in bundles:
        declared, promotion = bundle.declared, bundle.document.spec.promotable
        inside = None if declared.content is None else found.get(declared.content)
        if inside is None:
            continue
        found[inside.id] = replace(
            inside,
            only_on=declared.nodes,
            is_rated_by_host=promotion is not None and promotion.rated_by == "host",
            needs={},
        )
        for number in range(declared.replicas):
            container = found[declared.container(number).id]
            assert container.remote_node is not None, "something runs in it"
            reserved = replace(container.remote_node, is_reserved=True)
            found[container.id] = replace(container, remote_node=reserved, needs=inside.needs)
    return found


def collectives_of(
    bundles: Sequence[BundleReading], resources: Mapping[ResourceId, Resource]
) -> Iterator[tuple[int, Collective]]:
    """Yield the bundles, and the clones in them, each with its rank."""
    for bundle in bundles:
        spec, where = bundle.document.spec, bundle.raw.at(("metadata", "name"))
        priority = resources[bundle.declared.container(0).id].priority
        inside = None if bundle.declared.content is None else resources.get(bundle.declared.content)
        clone: Clone | None = None
        if inside is not None:
            clone = replace(
                bundle.declared.clone(inside.agent, where),
                is_interleaved=spec.interleave is True,
                notifies=spec.notify is True,
                priority=priority,
            )
            yield bundle.rank, clone
        whole = bundle.declared.collective(clone, where)
        yield bundle.rank, replace(whole, is_interleaved=spec.interleave is True, priority=priority)


def check_contents(
    bundles: Sequence[BundleReading],
    documents: Sequence[tuple[RawDocument, Resource, GuestDocument | ResourceDocument]],
    problems: Problems,
) -> None:
    """Refuse places and orders of what runs in a bundle: they are the bundle's."""
    bundle_of = {bundle.declared.content: bundle.id for bundle in bundles}
    for raw, resource, document in documents:
        bundle = bundle_of.get(resource.id)
        for word, written in (("placement", document.spec.placement), ("after", document.spec.after)):
            if bundle is not None and written is not None:
                text = f"{resource.id} is where the containers of {bundle} are"
                problems.add(raw.key_at(("spec", word)), "in-bundle", text, f"write {word} in {bundle}")


def subjects(bundles: Sequence[BundleReading]) -> Iterator[tuple[ResourceId, Subject]]:
    """Yield what the constraints of bundles are about, by the names of the bundles and all that belongs to them."""
    for bundle in bundles:
        subject = Subject(
            id=bundle.id,
            kin=frozenset({bundle.id, *bundle.members}),
            reach="machines" if bundle.declared.nodes else "all",
            own_nodes=frozenset(bundle.declared.nodes),
            is_critical=bundle.document.spec.critical is not False,
        )
        yield from ((name, subject) for name in subject.kin)


def _declaration(document: BundleDocument, content: ResourceId | None) -> model.BundleDeclaration:
    spec = document.spec
    promoted = 0 if spec.promotable is None else spec.promotable.max or 1
    mounts = [
        model.Mount(
            source=m.source or m.source_root or "",
            target=m.target,
            options=m.options,
            is_per_replica=m.source is None,
        )
        for m in spec.storage or []
    ]
    return model.BundleDeclaration(
        name=ResourceId(document.metadata.name),
        launcher=model.Launcher(spec.launcher),
        image=spec.image,
        replicas=spec.replicas or promoted or 1,
        asked_per_host=spec.replicas_per_host or 1,
        promoted_max=promoted,
        run_command=spec.run_command,
        options=spec.options,
        network=_network(spec.network or BundleNetwork()),
        mounts=tuple(mounts),
        content=content,
    )


def _network(written: BundleNetwork) -> model.BundleNetwork:
    return model.BundleNetwork(
        name=written.name,
        first_address=written.ip_range_start or "",
        interface=written.host_interface,
        netmask=None if written.host_netmask is None else str(written.host_netmask),
        control_port=None if written.control_port is None else str(written.control_port),
        names_replicas=written.add_host is not False,
        ports=tuple(_port(mapping) for mapping in written.ports or []),
    )


def _port(written: PortMapping) -> tuple[str, str]:
    outside = written.range or str(written.port)
    inside = None if written.range is not None else written.internal_port
    return outside, outside if inside is None else str(inside)


def _parts(declared: model.BundleDeclaration) -> Iterator[model.Part]:
    for number in range(declared.replicas):
        address = declared.address(number)
        if address is not None:
            yield address
        yield declared.container(number)


def _document(bundle: BundleReading, part: model.Part, node: GuestNode | None) -> ResourceDocument:
    spec = bundle.document.spec
    op = spec.op or Operations()
    if op.monitor is None:
        op = op.model_copy(update={"monitor": Monitor.model_construct(interval=model.MONITOR_INTERVAL_MS)})
    return ResourceDocument.model_construct(
        api_version=API_VERSION,
        kind="Resource",
        metadata=Metadata(name=part.id),
        spec=ResourceSpec.model_construct(
            agent=str(part.agent),
            params=dict(part.params),
            op=op,
            rank=bundle.rank,
            requires=spec.requires,
            allow_unhealthy=spec.allow_unhealthy,
            state="running" if spec.state == "unpromoted" else None,
            remote_node=node,
        ),
    )


def _node(declared: model.BundleDeclaration, number: int) -> GuestNode:
    """Return the node that a container makes: the agent in it is the distribution's, with the key of its host."""
    return GuestNode.model_construct(
        name=str(declared.nodes[number]),
        address=declared.addresses[number] or HOST_OF_CONTAINER,
        port=int(declared.port),
        agent="stock",
        key_file=model.AUTHKEY,
        key_file_shared=True,
        unconfirmed_address="allow",
    )


def _declare_parts(raw: RawDocument, declared: model.BundleDeclaration, names: Namespace) -> None:
    """Give the names that a bundle makes; its clone is not spoken of, for the bundle's name means all of it."""
    parts: list[tuple[ResourceId | NodeName, What]] = [(part.id, What.PART) for part in _parts(declared)]
    parts += [(node, What.REMOTE_NODE) for node in declared.nodes]
    parts += [(declared.clone_id, What.PART)] if declared.content is not None else []
    where = raw.at(("metadata", "name"))
    for name, what in parts:
        if not names.declare(Entry(name=name, what=what, where=where, partner=declared.name, is_usable=True)):
            return


def _check(
    raw: RawDocument, document: BundleDocument, declared: model.BundleDeclaration, problems: Problems
) -> None:
    """Refuse what Pacemaker takes for something else, or cannot run."""
    spec, network = document.spec, document.spec.network or BundleNetwork()
    has_addresses = network.ip_range_start is not None
    if spec.resource is not None and not declared.is_reachable:
        text, hint = (
            "nothing could reach its agent in a container",
            "add network: with ipRangeStart or controlPort",
        )
        problems.add(raw.key_at(("spec", "resource")), "missing-field", text, hint)
    if spec.promotable is not None and spec.resource is None:
        text, hint = (
            "containers are not promoted, but what runs in them",
            "add resource:, or remove promotable",
        )
        problems.add(raw.key_at(("spec", "promotable")), "does-not-fit", text, hint)
    if declared.asked_per_host > 1 and network.control_port is not None and not has_addresses:
        text = "one host has one controlPort, and so room for one replica without an address of its own"
        where = raw.key_at(("spec", "replicasPerHost"))
        problems.add(where, "does-not-fit", text, "add ipRangeStart, or remove replicasPerHost")
    for word, written in (("hostInterface", network.host_interface), ("hostNetmask", network.host_netmask)):
        if written is not None and not has_addresses:
            text = f"{word} is about addresses, and there are none"
            problems.add(
                raw.key_at((*_NETWORK, word)), "does-not-fit", text, "add ipRangeStart, or remove it"
            )
    _check_addresses(raw, declared, problems)
    for index, port in enumerate(network.ports or []):
        where = raw.at((*_NETWORK, "ports", index))
        if (port.port is None) == (port.range is None):
            problems.add(
                where, "does-not-fit", "a port mapping is one of port and range", "write exactly one"
            )
        elif port.range is not None and port.internal_port is not None:
            text = "a range is the same inside and outside"
            problems.add(where, "does-not-fit", text, "remove internalPort, or write port:")
    for index, mapping in enumerate(spec.storage or []):
        if (mapping.source is None) == (mapping.source_root is None):
            where = raw.at(("spec", "storage", index))
            text = "a storage mapping has one of source and sourceRoot"
            problems.add(where, "does-not-fit", text, "write exactly one")


def _check_addresses(raw: RawDocument, declared: model.BundleDeclaration, problems: Problems) -> None:
    first, where = declared.network.first_address, raw.at((*_NETWORK, "ipRangeStart"))
    if not first:
        return
    try:
        ip_address(first)
    except ValueError:
        problems.add(where, "bad-address", f'"{first}" is no IP address', "such as 192.168.122.130")
        return
    addresses = [address for address in declared.addresses if address]
    if len(addresses) < declared.replicas:
        text = f"from {first} on there are addresses for {len(addresses)} of {declared.replicas} replicas"
        hint = "begin lower: an IPv4 address before .254.0 has a next one, an IPv6 address none"
        problems.add(where, "bad-address", text, hint)
