"""Reads bundles, and writes the resources that each stands for as elements: so they are read like any others.

What they stand for is `model/bundle.py`'s to say.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass

from lxml import etree

from reconciler.model.bundle import (
    MONITOR_INTERVAL_MS,
    BundleDeclaration,
    BundleNetwork,
    Launcher,
    Mount,
    Part,
)
from reconciler.model.collective import MAX_INSTANCES, Clone
from reconciler.model.names import ResourceId
from reconciler.pacemaker.document import RESOURCES, Cib, Element, elements
from reconciler.pacemaker.values import boolean, integer


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleElement:
    """A bundle, and where it is declared."""

    element: Element
    declared: BundleDeclaration
    primitive: Element | None


def bundles_of(cib: Cib) -> Iterator[BundleElement]:
    """Return the bundles that can be run, in document order."""
    for element in cib.section("configuration/resources"):
        if element.tag == "bundle":
            found = bundle_element(cib, element)
            if found is not None:
                yield found


def bundle_element(cib: Cib, element: Element) -> BundleElement | None:
    """Return a bundle; None if nothing is known that could run it, or reach what is to be run in it."""
    kinds = (next(elements(element, launcher.value), None) for launcher in Launcher)
    container = next((kind for kind in kinds if kind is not None), None)
    if container is None:
        return None
    primitive = next(elements(element, "primitive"), None)
    declared = _declared(cib, element, container, primitive)
    if primitive is not None and not declared.is_reachable:
        return None
    return BundleElement(element=element, declared=declared, primitive=primitive)


def part_element(bundle: BundleElement, part: Part) -> Element:
    """Return the primitive that is a part of a bundle."""
    agent = {"class": part.agent.standard, "provider": part.agent.provider, "type": part.agent.type}
    element = etree.Element("primitive", {"id": str(part.id), **agent})
    element.sourceline = bundle.element.sourceline
    _add_pairs(element, "instance_attributes", part.params)
    operations = etree.SubElement(element, "operations")
    etree.SubElement(operations, "op", {"name": "monitor", "interval": f"{MONITOR_INTERVAL_MS // 1000}s"})
    return element


def container_element(bundle: BundleElement, number: int) -> Element:
    """Return the primitive that runs a replica's container; the capacity that its content takes is the container's."""
    element = part_element(bundle, bundle.declared.container(number))
    if bundle.primitive is not None:
        element.extend(deepcopy(block) for block in elements(bundle.primitive, "utilization"))
    return element


def clone_element(bundle: BundleElement, clone: Clone) -> Element:
    """Return the clone of a bundle's primitive."""
    assert bundle.primitive is not None, "what is empty has nothing to clone"
    element = etree.Element("clone", {"id": str(clone.id)})
    element.sourceline = bundle.element.sourceline
    meta = {
        "ordered": _text(clone.is_ordered),
        "clone-max": str(clone.max),
        "clone-node-max": str(clone.node_max),
        "globally-unique": _text(clone.is_unique),
    }
    if clone.promotion is not None:
        meta |= {"promotable": "true", "promoted-max": str(clone.promotion.max)}
    _add_pairs(element, "meta_attributes", meta)
    primitive = deepcopy(bundle.primitive)
    for block in list(elements(primitive, "utilization")):
        primitive.remove(block)
    element.append(primitive)
    return element


def _declared(cib: Cib, element: Element, container: Element, primitive: Element | None) -> BundleDeclaration:
    name, promoted_max = element.get("id", ""), container.get("promoted-max", container.get("masters"))
    promoted = max(0, integer(promoted_max, 0))
    storage = next(elements(element, "storage"), None)
    return BundleDeclaration(
        name=ResourceId(name),
        launcher=Launcher(str(container.tag)),
        image=container.get("image", ""),
        replicas=min(MAX_INSTANCES, max(1, integer(container.get("replicas"), promoted or 1))),
        asked_per_host=max(1, integer(container.get("replicas-per-host"), 1)),
        promoted_max=promoted,
        run_command=container.get("run-command"),
        options=container.get("options"),
        network=_network(container, next(elements(element, "network"), None)),
        mounts=() if storage is None else tuple(_mounts(storage)),
        content=None if primitive is None else ResourceId(primitive.get("id", "")),
        taken=frozenset(n for n, e in cib.ids.items() if e.tag in RESOURCES and n.startswith(f"{name}-")),
    )


def _network(container: Element, network: Element | None) -> BundleNetwork:
    name = container.get("network")
    if network is None:
        return BundleNetwork(name=name)
    return BundleNetwork(
        name=name,
        first_address=network.get("ip-range-start", ""),
        interface=network.get("host-interface"),
        netmask=network.get("host-netmask"),
        control_port=network.get("control-port"),
        names_replicas=boolean(network.get("add-host"), default=True),
        ports=tuple(_ports(network)),
    )


def _ports(network: Element) -> Iterator[tuple[str, str]]:
    for mapping in elements(network, "port-mapping"):
        outside = mapping.get("port") or mapping.get("range")
        if outside:
            inside = mapping.get("internal-port") if mapping.get("port") else None
            yield outside, inside or outside


def _mounts(storage: Element) -> Iterator[Mount]:
    for mapping in elements(storage, "storage-mapping"):
        whole, root = mapping.get("source-dir"), mapping.get("source-dir-root")
        source, target = whole or root, mapping.get("target-dir")
        if source and target:
            yield Mount(
                source=source, target=target, options=mapping.get("options"), is_per_replica=whole is None
            )


def _add_pairs(parent: Element, tag: str, values: Mapping[str, str]) -> None:
    block = etree.SubElement(parent, tag, {"id": f"{parent.get('id')}-{tag}"})
    for name, value in values.items():
        etree.SubElement(block, "nvpair", {"name": name, "value": value})


def _text(is_so: bool) -> str:
    return "true" if is_so else "false"
