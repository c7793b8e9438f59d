"""The cluster as a CIB, for programs that read one: nodes, resources and their states, and node attributes. Pure.

It is a view, not a configuration: no parameter is in it, for it may be a secret, and no constraint. What runs is told
as histories of operations, as Pacemaker keeps them (Pacemaker Explained, "Status -- Here be dragons").
"""

from collections.abc import Mapping

from lxml import etree

from reconciler.model.attribute import NodeAttributes
from reconciler.model.collective import Bundle, Clone, Group
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import NodeKind, NodeState
from reconciler.model.observed import Instance, NodeStatus
from reconciler.model.resource import Resource, ResourceAgent, Role
from reconciler.ports import ClusterView

FEATURE_SET = "3.16.2"
"""As what resource agents are told (world/links/translate.py)."""

_SCHEMA = "pacemaker-3.9"
_TRANSITION = "0:0:0:00000000-0000-0000-0000-000000000000"
_CONNECTION = ResourceAgent(standard="ocf", provider="pacemaker", type="remote")
_NOT_RUNNING, _OK, _PROMOTED = "7", "0", "8"


def cib_of(view: ClusterView) -> etree._Element:
    """Return the root element of the CIB."""
    hosts = node_ids(view.intent)
    root = etree.Element(
        "cib",
        {
            "crm_feature_set": FEATURE_SET,
            "validate-with": _SCHEMA,
            "admin_epoch": "0",
            "epoch": "1",
            "num_updates": "0",
            "have-quorum": "1" if view.observed.has_quorum else "0",
            "dc-uuid": next(iter(hosts.values()), ""),
        },
    )
    configuration = etree.SubElement(root, "configuration")
    _options(etree.SubElement(configuration, "crm_config"), view.intent)
    nodes = etree.SubElement(configuration, "nodes")
    for name, number in hosts.items():
        _node(nodes, {"id": number, "uname": name}, view.attributes)
    for name in view.intent.remote_nodes():
        _node(nodes, {"type": "remote", "id": name, "uname": name}, view.attributes)
    _resources(etree.SubElement(configuration, "resources"), view.intent)
    etree.SubElement(configuration, "constraints")
    status = etree.SubElement(root, "status")
    by_node: dict[NodeName, list[Instance]] = {}
    for instance in view.observed.instances.values():
        by_node.setdefault(instance.node, []).append(instance)
    for name in (*hosts, *view.intent.remote_nodes()):
        known = view.observed.nodes.get(name)
        if known is not None:
            _state(status, hosts.get(name, name), known, view, by_node.get(name, []))
    return root


def node_ids(intent: Intent) -> Mapping[NodeName, str]:
    """Return the number of each host; guest nodes have none, and are known by their names."""
    return {name: str(number) for number, name in enumerate(sorted(intent.hosts), 1)}


def attribute_id(node: NodeName, name: str) -> str:
    """Return the id of a permanent attribute, as Pacemaker's programs make it."""
    return f"nodes-{node}-{name}".replace("#", ".")


def _options(parent: etree._Element, intent: Intent) -> None:
    options = etree.SubElement(parent, "cluster_property_set", id="cib-bootstrap-options")
    found = {
        "cluster-name": intent.cluster.name,
        "cluster-infrastructure": "reconciler",
        "stonith-enabled": "false",
    }
    for name, value in found.items():
        etree.SubElement(options, "nvpair", id=f"cib-bootstrap-options-{name}", name=name, value=value)


def _node(parent: etree._Element, named: Mapping[str, str], known: Mapping[NodeName, NodeAttributes]) -> None:
    node = etree.SubElement(parent, "node", dict(named))
    name = NodeName(named["uname"])
    permanent = known.get(name, NodeAttributes()).permanent
    if permanent:
        block = etree.SubElement(node, "instance_attributes", id=f"nodes-{name}")
        for attribute, value in sorted(permanent.items()):
            etree.SubElement(block, "nvpair", id=attribute_id(name, attribute), name=attribute, value=value)


def _resources(parent: etree._Element, intent: Intent) -> None:
    """List resources within the groups and clones that they belong to."""
    inner = {c.member for c in intent.collectives.values() if isinstance(c, Clone)}
    members = {m for c in intent.collectives.values() if isinstance(c, Group) for m in c.members}
    for id_ in (*intent.collectives, *intent.resources):
        if id_ not in inner | members:
            _resource(parent, id_, intent)


def _resource(parent: etree._Element, id_: ResourceId, intent: Intent) -> None:
    collective = intent.collectives.get(id_)
    match collective:
        case Group():
            group = etree.SubElement(parent, "group", id=id_)
            for member in collective.members:
                _resource(group, member, intent)
        case Clone():
            clone = etree.SubElement(parent, "clone", id=id_)
            unique = "true" if collective.is_unique else "false"
            meta = {"globally-unique": unique}
            if collective.promotion is not None:
                meta |= {"promotable": "true", "promoted-max": str(collective.promotion.max)}
            _meta(clone, id_, meta)
            _resource(clone, collective.member, intent)
        case Bundle():
            # What it consists of is listed by itself.
            pass
        case None:
            _primitive(parent, intent.resources[id_])


def _primitive(parent: etree._Element, resource: Resource) -> None:
    primitive = etree.SubElement(parent, "primitive", {"id": resource.id, **_agent(resource.agent)})
    meta = {"target-role": "Stopped"} if resource.state is Role.STOPPED else {}
    if not resource.is_managed:
        meta["is-managed"] = "false"
    if resource.remote_node is not None:
        meta["remote-node"] = resource.remote_node.name
    _meta(primitive, resource.id, meta)


def _agent(agent: ResourceAgent) -> Mapping[str, str]:
    """Return how a CIB names a resource agent; guests have one that Pacemaker could not run."""
    if agent.standard == "guest":
        return {"class": "ocf", "provider": "reconciler", "type": agent.type}
    named = {"class": agent.standard, "provider": agent.provider, "type": agent.type}
    return {key: value for key, value in named.items() if value}


def _meta(parent: etree._Element, id_: str, values: Mapping[str, str]) -> None:
    if values:
        block = etree.SubElement(parent, "meta_attributes", id=f"{id_}-meta")
        for name, value in values.items():
            etree.SubElement(block, "nvpair", id=f"{id_}-meta-{name}", name=name, value=value)


def _state(
    parent: etree._Element, id_: str, known: NodeStatus, view: ClusterView, instances: list[Instance]
) -> None:
    is_online = known.state is NodeState.ONLINE
    here = {"id": id_, "uname": known.name, "in_ccm": "true" if is_online else "false"}
    here["crmd"] = "online" if is_online else "offline"
    here |= (
        {"join": "member" if is_online else "down", "expected": "member" if is_online else "down"}
        if known.kind is NodeKind.HOST
        else {"remote_node": "true"}
    )
    state = etree.SubElement(parent, "node_state", here)
    transient = view.attributes.get(known.name, NodeAttributes()).transient
    if transient:
        outer = etree.SubElement(state, "transient_attributes", id=id_)
        block = etree.SubElement(outer, "instance_attributes", id=f"status-{id_}")
        for name, value in sorted(transient.items()):
            ref = f"status-{id_}-{name}".replace("#", ".")
            etree.SubElement(block, "nvpair", id=ref, name=name, value=value)
    lrm = etree.SubElement(etree.SubElement(state, "lrm", id=id_), "lrm_resources")
    for instance in instances:
        _history(lrm, instance, view)


def _history(parent: etree._Element, instance: Instance, view: ClusterView) -> None:
    resource = view.intent.resources.get(instance.resource)
    if resource is None or instance.role is Role.UNKNOWN:
        return
    _operation(parent, instance.resource, resource.agent, _RC.get(instance.role, _OK))
    node = resource.remote_node.name if resource.remote_node is not None else None
    status = view.observed.nodes.get(node) if node is not None else None
    if node is not None and status is not None and instance.role is not Role.STOPPED:
        # What connects a guest's agent is a resource too, and a guest node is online where that runs.
        rc = _OK if status.state is NodeState.ONLINE else _NOT_RUNNING
        _operation(parent, ResourceId(node), _CONNECTION, rc).set("container", instance.resource)


_RC = {Role.STOPPED: _NOT_RUNNING, Role.PROMOTED: _PROMOTED}
"""What a probe returns in each role; all others run."""


def _operation(parent: etree._Element, resource: ResourceId, agent: ResourceAgent, rc: str) -> etree._Element:
    """Write the history of a resource on a node: one probe, which found what is so."""
    history = etree.SubElement(parent, "lrm_resource", {"id": resource, **_agent(agent)})
    etree.SubElement(
        history,
        "lrm_rsc_op",
        {
            "id": f"{resource}_last_0",
            "operation_key": f"{resource}_monitor_0",
            "operation": "monitor",
            "crm_feature_set": FEATURE_SET,
            "transition-key": f"1:{_TRANSITION}",
            "transition-magic": f"0:{rc};1:{_TRANSITION}",
            "call-id": "1",
            "rc-code": rc,
            "op-status": "0",
            "interval": "0",
        },
    )
    return history
