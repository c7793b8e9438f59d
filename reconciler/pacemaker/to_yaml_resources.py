"""Writes primitives and clones as the specs of documents."""

from collections.abc import Iterable
from dataclasses import replace
from posixpath import basename

from reconciler.model.collective import Clone
from reconciler.model.node import AgentAddress, HostState, RemoteNode
from reconciler.model.resource import MultipleActive, OnFail, Operation, Resource, Role
from reconciler.model.rule import OperationOverride
from reconciler.model.score import INFINITY
from reconciler.pacemaker.to_yaml_values import (
    MULTIPLE_ACTIVE,
    STATES,
    Losses,
    Map,
    amounts,
    duration,
    is_param,
    own_labels,
    score,
)

_OPERATIONS = {
    "start": "start",
    "stop": "stop",
    "promote": "promote",
    "demote": "demote",
    "migrate_to": "migrateTo",
    "migrate_from": "migrateFrom",
}
_GUEST_OPERATIONS = frozenset({"start", "stop", "migrateTo", "migrateFrom"})


def resource_spec(resource: Resource, losses: Losses) -> Map:
    """Return the spec of a Resource document."""
    params: Map = {}
    for name, text in resource.params.items():
        if is_param(name):
            params[name] = text
        else:
            losses.add(resource.where, "param", f"the parameter {name} of {resource.id} has no legal name")
    spec: Map = {"agent": str(resource.agent)}
    spec |= {"params": params} if params else {}
    spec["op"] = operations_spec(resource, losses)
    return {**spec, **common_spec(resource, losses)}


def guest_spec(resource: Resource, losses: Losses) -> Map:
    """Return the spec of a Guest document for a VirtualDomain: its own XML, whose text a CIB does not hold."""
    config = resource.params.get("config", f"{resource.id}.xml")
    guest_type = "lxc" if resource.params.get("hypervisor", "").startswith("lxc") else "vm"
    text = f"copy {config} from a host beside the YAML: {resource.id} is made from it"
    losses.add(resource.where, "config", text)
    for name in sorted(set(resource.params) - {"config", "hypervisor"}):
        losses.add(
            resource.where, "param", f"the parameter {name} of {resource.id} means nothing for a guest"
        )
    for operation in resource.operations:
        if operation.params:
            text = f"the parameters of {operation.name} of {resource.id} mean nothing for a guest"
            losses.add(resource.where, "param", text)
    plain = replace(resource, operations=tuple(replace(o, params={}) for o in resource.operations))
    operations = {n: o for n, o in operations_spec(plain, losses).items() if n in _GUEST_OPERATIONS}
    spec: Map = {"type": guest_type, "domain": {"xml": basename(config)}, "op": operations}
    return {**spec, **common_spec(resource, losses)}


def clone_spec(clone: Clone, losses: Losses) -> Map:
    """Return the clone field of a document."""
    spec: Map = {"name": str(clone.id)}
    if clone.max:
        spec["max"] = clone.max
    elif clone.max is not None:
        losses.add(clone.where, "clone-max", f"{clone.id} has no instances; write state: stopped instead")
    spec |= {"nodeMax": clone.node_max} if clone.node_max > 1 else {}
    spec |= {"min": clone.min} if clone.min else {}
    flags = {
        "interleave": clone.is_interleaved,
        "ordered": clone.is_ordered,
        "unique": clone.is_unique,
        "notify": clone.notifies,
    }
    spec |= {name: True for name, is_set in flags.items() if is_set}
    if clone.promotion is not None:
        spec["promotable"] = {
            name: count
            for name, count in (("max", clone.promotion.max), ("nodeMax", clone.promotion.node_max))
            if count > 0
        }
        if 0 in {clone.promotion.max, clone.promotion.node_max}:
            losses.add(clone.where, "promoted-max", f"{clone.id} promotes none; write no promotable: instead")
    return spec


def common_spec(resource: Resource, losses: Losses) -> Map:
    """Return what guests and resources have in common; all that has another default in Pacemaker is written."""
    spec: Map = {
        "stickiness": score(resource.stickiness),
        "failureLimit": min(INFINITY, max(0, resource.failure_limit)),
        "startFailureIsFatal": resource.start_failure_is_fatal,
        "requires": resource.requires.value,
        "rank": resource.rank,
    }
    if resource.state is not Role.STARTED:
        spec["state"] = STATES[resource.state]
    if not resource.is_monitored:
        spec["maintenance"] = True
    elif not resource.is_managed:
        spec["managed"] = False
    if resource.multiple_active is not MultipleActive.STOP_START:
        spec["multipleActive"] = MULTIPLE_ACTIVE[resource.multiple_active]
    spec |= {"priority": score(resource.priority)} if resource.priority else {}
    timeout_ms = resource.failure_timeout_ms
    spec |= {"failureTimeout": duration(timeout_ms)} if timeout_ms else {}
    needs = amounts(resource.needs)
    if len(needs) != len(resource.needs):
        losses.add(
            resource.where, "utilization", f"{resource.id} needs something that has no legal name or amount"
        )
    spec |= {"needs": needs} if needs else {}
    spec |= {} if resource.container is None else {"container": str(resource.container)}
    spec |= {"allowMigration": True} if resource.allows_migration else {}
    spec |= {"allowUnhealthy": True} if resource.allows_unhealthy else {}
    spec |= {} if resource.is_critical else {"critical": False}
    spec |= {} if resource.remote_node is None else {"remoteNode": _remote_node(resource.remote_node)}
    return spec


def _remote_node(node: RemoteNode) -> Map:
    """Return the node that something becomes; Pacemaker never asks whose its address is."""
    spec: Map = {"name": str(node.name), **stock_agent(node.agent, node.name), "unconfirmedAddress": "allow"}
    spec |= {"state": node.state.value} if node.state is not HostState.ONLINE else {}
    spec |= {} if node.is_searched else {"searched": False}
    labels = own_labels(node.labels)
    spec |= {"labels": labels} if labels else {}
    capacity = amounts(node.capacity)
    return spec | ({"capacity": capacity} if capacity else {})


def stock_agent(agent: AgentAddress | None, node: str) -> Map:
    """Return how a node's agent is reached: it is Pacemaker's, with the key that all nodes have."""
    found = agent or AgentAddress()
    return {
        "address": found.address or node,
        "port": found.port,
        "connectTimeout": duration(found.connect_timeout_ms),
        "agent": "stock",
        "keyFile": "/etc/pacemaker/authkey",
        "keyFileShared": True,
    }


def operations_spec(resource: Resource, losses: Losses) -> Map:
    """Return the operations; `monitor: []` says that there is no recurring one."""
    found: Map = {}
    monitors: list[object] = []
    for operation in resource.operations:
        if operation.is_left_alone:
            every = f"{operation.name} of {resource.id} every {duration(operation.interval_ms)}"
            text = (
                f"{every} is declared twice, so that Pacemaker carries out neither; enabled: true would do so"
            )
            losses.add(resource.where, "op", text)
        if operation.name == "monitor" and operation.interval_ms:
            monitors.append(_monitor(operation))
        elif operation.name == "monitor":
            found["probe"] = _settings(operation)
        elif operation.name in _OPERATIONS and not operation.interval_ms:
            found[_OPERATIONS[operation.name]] = _settings(operation)
        else:
            losses.add(
                resource.where, "op", f"the operation {operation.name} of {resource.id} is not known here"
            )
    found["monitor"] = monitors
    return found


def changed_operations(changes: Iterable[OperationOverride]) -> Map:
    """Return what holds of operations for a time."""
    found: Map = {}
    monitors: list[object] = []
    for change in changes:
        written: Map = {} if change.timeout_ms is None else {"timeout": duration(change.timeout_ms)}
        written |= {} if change.on_fail is None else {"onFail": _on_fail(change.on_fail)}
        params = {name: text for name, text in change.params.items() if is_param(name)}
        written |= {"params": params} if params else {}
        if change.name == "monitor" and change.interval_ms:
            written |= {} if change.enabled is None else {"enabled": change.enabled}
            monitors.append({"interval": duration(change.interval_ms), **written})
        elif written and (change.name == "monitor" or change.name in _OPERATIONS):
            found["probe" if change.name == "monitor" else _OPERATIONS[change.name]] = written
    return found | ({"monitor": monitors} if monitors else {})


def _on_fail(on_fail: OnFail) -> str:
    return "ban" if on_fail is OnFail.BAN else on_fail.value


def _settings(operation: Operation) -> Map:
    settings: Map = {"timeout": duration(operation.timeout_ms)}
    if operation.on_fail is not OnFail.RESTART:
        settings["onFail"] = _on_fail(operation.on_fail)
    params = {name: text for name, text in operation.params.items() if is_param(name)}
    return settings | ({"params": params} if params else {})


def _monitor(operation: Operation) -> Map:
    monitor: Map = {"interval": duration(operation.interval_ms), **_settings(operation)}
    monitor |= {"role": operation.role.value} if operation.role is not None else {}
    if operation.is_left_alone:
        return {**monitor, "enabled": "unchanged"}
    return monitor if operation.enabled else {**monitor, "enabled": False}
