"""Writes bundles: each as one document, in which what it stands for is not named."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address

from reconciler.model.bundle import BundleDeclaration, BundleNetwork, Mount
from reconciler.model.collective import Bundle, Clone, parts_of
from reconciler.model.constraint import Location
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId, Where, is_legal_name
from reconciler.model.resource import Resource
from reconciler.model.rule import LocationRule
from reconciler.pacemaker.to_yaml_resources import common_spec, operations_spec
from reconciler.pacemaker.to_yaml_values import Losses, Map

_NUMBER = re.compile(r"[1-9][0-9]{0,4}\Z")
_PORTS = re.compile(r"[0-9]{1,5}-[0-9]{1,5}\Z")
_NOT_OF_BUNDLES = frozenset({"needs", "remoteNode", "container", "allowMigration"})
_USUAL: Map = {
    "state": "running", "maintenance": False, "managed": True, "critical": True, "priority": 0,
    "failureTimeout": "0s", "multipleActive": "restart",
}  # fmt: skip
"""What has to be said of something in a bundle that is as usual where the bundle is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundles:
    """The bundles of an intent, as they are declared."""

    declared: Mapping[ResourceId, BundleDeclaration]
    by_part: Mapping[ResourceId, Bundle]
    """The bundle of each container and address."""
    by_content: Mapping[ResourceId, Bundle]
    """The bundle of what is in one."""

    @staticmethod
    def of(intent: Intent, declared: Mapping[ResourceId, BundleDeclaration]) -> "Bundles":
        """Return the bundles of an intent without connections."""
        bundles = [c for c in intent.collectives.values() if isinstance(c, Bundle)]
        contents = {content: b for b in bundles if (content := declared[b.id].content) is not None}
        parts = {part: b for b in bundles for part in parts_of(b) if part != b.inner}
        return Bundles(declared=declared, by_part=parts, by_content=contents)


def without_silent_bundles(
    intent: Intent, declared: Mapping[ResourceId, BundleDeclaration], losses: Losses
) -> Intent:
    """Return an intent without bundles that YAML has no words for, all that they stand for, and constraints on them."""
    bundles = [c for c in intent.collectives.values() if isinstance(c, Bundle)]
    whys = {b.id: why for b in bundles if (why := next(_obstacles(intent, b, declared[b.id]), None))}
    if not whys:
        return intent
    for bundle in bundles:
        if bundle.id in whys:
            losses.add(bundle.where, "bundle", f"bundle {bundle.id} is left out: {whys[bundle.id]}")
    gone = {name for bundle in whys for name in _all_of(intent, bundle)}

    def stays(where: Where, name: str, *about: ResourceId) -> bool:
        is_gone = not gone.isdisjoint(about)
        if is_gone and not gone.issuperset(about):
            losses.add(where, "constraint", f"{name} is about a bundle that is left out, and so is it")
        return not is_gone

    return replace(
        intent,
        resources={name: r for name, r in intent.resources.items() if name not in gone},
        collectives={name: c for name, c in intent.collectives.items() if name not in gone},
        overrides=tuple(o for o in intent.overrides if o.resource not in gone),
        locations=tuple(c for c in intent.locations if c.resource not in gone),
        location_rules=tuple(c for c in intent.location_rules if c.resource not in gone),
        tickets=tuple(need for need in intent.tickets if need.resource not in gone),
        colocations=tuple(c for c in intent.colocations if stays(c.where, c.id, c.dependent, c.primary)),
        orderings=tuple(o for o in intent.orderings if stays(o.where, o.id, o.first, o.then)),
    )


def with_wishes_of_bundles(intent: Intent) -> Intent:
    """Return an intent in which what is asked of the content of a bundle is asked of that, and nothing of its parts."""
    bundles = [c for c in intent.collectives.values() if isinstance(c, Bundle)]
    outer = {b.inner: b.id for b in bundles if b.inner is not None}
    parts = {part for b in bundles for part in parts_of(b)}

    def whole(found: Location | LocationRule) -> ResourceId:
        return outer.get(found.resource, found.resource)

    return replace(
        intent,
        locations=tuple(replace(c, resource=whole(c)) for c in intent.locations if whole(c) not in parts),
        location_rules=tuple(
            replace(c, resource=whole(c)) for c in intent.location_rules if whole(c) not in parts
        ),
    )


def bundle_spec(intent: Intent, bundle: Bundle, declared: BundleDeclaration, losses: Losses) -> Map:
    """Return the spec of a Bundle document, without constraints and overrides."""
    container = intent.resources[bundle.replicas[0].container]
    spec: Map = {"launcher": declared.launcher.value, "image": declared.image, "replicas": declared.replicas}
    spec |= {"replicasPerHost": bundle.node_max} if bundle.node_max > 1 else {}
    spec |= _promotion(intent, declared)
    spec |= {} if declared.run_command is None else {"runCommand": declared.run_command}
    spec |= {} if declared.options is None else {"options": declared.options}
    network = _network(declared.network)
    spec |= {"network": network} if network else {}
    spec |= {"storage": [_mount(mount) for mount in declared.mounts]} if declared.mounts else {}
    spec |= {} if declared.content is None else {"resource": str(declared.content)}
    clone = intent.collectives.get(bundle.inner) if bundle.inner is not None else None
    if isinstance(clone, Clone) and declared.content is not None:
        spec |= {"notify": True} if clone.notifies else {}
        usual = declared.clone(intent.resources[declared.content].agent, clone.where)
        usual = replace(usual, notifies=clone.notifies, is_interleaved=bundle.is_interleaved)
        if usual != clone:
            losses.add(
                bundle.where, "clone", f"some meta-attributes of {bundle.id} mean nothing for a bundle here"
            )
    spec |= {"interleave": True} if bundle.is_interleaved else {}
    spec["op"] = operations_spec(container, losses)
    for replica in bundle.replicas[:1]:
        address = None if replica.address is None else intent.resources[replica.address]
        if address is not None and address.operations != container.operations:
            text = f"the operations on addresses of {bundle.id} get the settings of those on its containers"
            losses.add(bundle.where, "op", text)
    common = common_spec(container, losses)
    common["rank"] = min(intent.resources[p].rank for p in parts_of(bundle) if p in intent.resources)
    return spec | {word: said for word, said in common.items() if word not in _NOT_OF_BUNDLES}


def content_of(intent: Intent, bundle: Bundle, content: Resource) -> Resource:
    """Return what is in a bundle as it is declared: the capacity that its container takes is its own."""
    return replace(content, needs=intent.resources[bundle.replicas[0].container].needs)


def own_settings(intent: Intent, bundle: Bundle, spec: Map) -> Map:
    """Return what the content of a bundle has to say so that it does not have it from that.

    Args:
        intent: that has both.
        bundle: around it.
        spec: what it says already.
    """
    around = common_spec(intent.resources[bundle.replicas[0].container], Losses())
    return {word: said for word, said in _USUAL.items() if word in around and word not in spec}


def _promotion(intent: Intent, declared: BundleDeclaration) -> Map:
    if not declared.promoted_max or declared.content is None:
        return {}
    is_by_host = intent.resources[declared.content].is_rated_by_host
    found: Map = {"max": declared.promoted_max}
    return {"promotable": {**found, "ratedBy": "host"} if is_by_host else found}


def _network(network: BundleNetwork) -> Map:
    found: Map = {} if network.name is None else {"name": network.name}
    if network.first_address:
        found["ipRangeStart"] = network.first_address
        found |= {} if network.interface is None else {"hostInterface": network.interface}
        found |= {} if network.netmask is None else {"hostNetmask": int(network.netmask)}
    found |= {} if network.control_port is None else {"controlPort": int(network.control_port)}
    found |= {} if network.names_replicas else {"addHost": False}
    ports = [_port(outside, inside) for outside, inside in network.ports]
    return found | ({"ports": ports} if ports else {})


def _port(outside: str, inside: str) -> Map:
    if _PORTS.match(outside):
        return {"range": outside}
    found: Map = {"port": int(outside)}
    return found if inside == outside else {**found, "internalPort": int(inside)}


def _mount(mount: Mount) -> Map:
    found: Map = {"sourceRoot" if mount.is_per_replica else "source": mount.source, "target": mount.target}
    return found | ({} if mount.options is None else {"options": mount.options})


def _obstacles(intent: Intent, bundle: Bundle, declared: BundleDeclaration) -> Iterator[str]:
    """Yield why a bundle cannot be written."""
    network, names = declared.network, [*_names(bundle), *declared.nodes]
    others = {name.lower() for name in (*intent.resources, *intent.collectives, *intent.hosts)}
    others -= {name.lower() for name in _all_of(intent, bundle.id)}
    for name in names:
        if not is_legal_name(name) or name.lower() in others:
            yield f"the name {name} is taken, or not legal here"
    texts = (declared.image, declared.run_command, network.name, network.interface)
    if "" in (*texts, *(m.options for m in declared.mounts)):
        yield "something of it is named by an empty text"
    if network.first_address and not (_is_address(network.first_address) and all(declared.addresses)):
        yield f"from {network.first_address} on there are not enough addresses"
    netmask, port = network.netmask or "32", network.control_port or "3121"
    if not _is_number(netmask, 128) or not _is_number(port, 65535):
        yield f"{netmask} is no number of bits, or {port} no port"
    for outside, inside in network.ports:
        is_range = _PORTS.match(outside) is not None and inside == outside
        if not is_range and not (_is_number(outside, 65535) and _is_number(inside, 65535)):
            yield f"{outside} and {inside} are no ports"
    for path in (path for m in declared.mounts for path in (m.source, m.target)):
        if not path.startswith("/"):
            yield f"{path} is no absolute path"


def _names(bundle: Bundle) -> Iterator[ResourceId | NodeName]:
    yield bundle.id
    yield from parts_of(bundle)


def _is_number(text: str, most: int) -> bool:
    return _NUMBER.match(text) is not None and int(text) <= most


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _all_of(intent: Intent, name: ResourceId) -> list[ResourceId]:
    found = intent.collectives.get(name)
    parts = () if found is None else parts_of(found)
    return [name, *(one for part in parts for one in _all_of(intent, part))]
