"""Reads nodes: what is declared of them, what they said last, and the attributes that rules look at."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.model.names import NodeName
from reconciler.model.node import AgentAddress, Host, HostState, NodeKind, NodeState
from reconciler.model.observed import NodeStatus
from reconciler.pacemaker.document import Cib, Element, elements
from reconciler.pacemaker.nvpairs import pairs
from reconciler.pacemaker.options import Options
from reconciler.pacemaker.rules import Subject
from reconciler.pacemaker.values import boolean, integer


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """All nodes of a CIB, by name."""

    hosts: Mapping[NodeName, Host]
    status: Mapping[NodeName, NodeStatus]
    attributes: Mapping[NodeName, Mapping[str, str]]
    """Permanent and transient, and #uname, #id and #kind."""
    failures: Mapping[NodeName, Mapping[str, str]]
    """Transient attributes alone: fail counts stand there."""
    states: Mapping[NodeName, Element]
    """The <node_state> of each node that has one, in the order of the status section."""

    @property
    def places(self) -> tuple[NodeName, ...]:
        """Return the nodes that resources may run on."""
        return tuple(self.hosts)


def read_nodes(cib: Cib, options: Options) -> Nodes:
    """Return the nodes; those that a feature we do not know makes are noted, and left out."""
    states = {s.get("id", ""): s for s in cib.section("status") if s.tag == "node_state"}
    hosts, status, attributes, transient, found = {}, {}, {}, {}, {}
    for node in cib.section("configuration/nodes"):
        uname, node_id = node.get("uname"), node.get("id", "")
        if uname is None or node.tag != "node":
            continue
        if node.get("type") == "remote":
            cib.note(node, "remote", f"{uname} is a remote node")
            continue
        name = NodeName(uname)
        state = states.get(node_id)
        transient[name] = {} if state is None else _transient(cib, state)
        if state is not None:
            found[name] = state
        attributes[name] = {
            **pairs(cib, elements(node, "instance_attributes"), Subject(now=cib.now)),
            **transient[name],
            "#uname": uname,
            "#id": node_id,
            "#kind": "cluster",
            "#is_dc": "true" if node_id == cib.root.get("dc-uuid") else "false",
            "#cluster-name": options.cluster.name,
        }
        hosts[name] = Host(
            name=name,
            where=cib.where(node),
            agent=AgentAddress(),
            state=_declared(attributes[name], options),
            labels=attributes[name],
        )
        state_now = _state(state, options)
        status[name] = NodeStatus(name=name, kind=NodeKind.HOST, state=state_now, is_known=True)
        if node.get("type") == "ping":
            del hosts[name], status[name]
        if next(elements(node, "utilization"), None) is not None:
            cib.note(node, "utilization", f"the capacity of {uname} is not taken into account")
    order = {name: number for number, name in enumerate(states)}
    return Nodes(
        hosts=hosts,
        status=status,
        attributes=attributes,
        failures=transient,
        states=dict(sorted(found.items(), key=lambda item: order[item[1].get("id", "")])),
    )


def _transient(cib: Cib, state: Element) -> dict[str, str]:
    blocks = [b for t in elements(state, "transient_attributes") for b in elements(t, "instance_attributes")]
    return pairs(cib, blocks, Subject(now=cib.now))


def _declared(attributes: Mapping[str, str], options: Options) -> HostState:
    """Return what is asked of a node; one that is shutting down takes nothing, like one in standby."""
    if options.in_maintenance or boolean(attributes.get("maintenance")):
        return HostState.MAINTENANCE
    is_leaving = integer(attributes.get("shutdown")) != 0
    return HostState.STANDBY if is_leaving or boolean(attributes.get("standby")) else HostState.ONLINE


def _state(state: Element | None, options: Options) -> NodeState:
    """Return whether a node is there.

    Without fencing it is as far as it says so itself; with fencing, one that should be there and is not may still
    run everything (Pacemaker Explained, "Cluster Status").
    """
    if state is None:
        return NodeState.UNCLEAN if options.has_fencing and options.has_startup_fencing else NodeState.OFFLINE
    in_membership = _is_member(state.get("in_ccm"))
    in_group = state.get("crmd") == "online" or integer(state.get("crmd")) > 0
    has_joined, is_expected = state.get("join") == "member", state.get("expected") == "member"
    if in_membership and in_group:
        return NodeState.ONLINE if has_joined else NodeState.PENDING
    return NodeState.UNCLEAN if options.has_fencing and (is_expected or in_membership) else NodeState.OFFLINE


def _is_member(text: str | None) -> bool:
    return boolean(text) or integer(text) > 0
