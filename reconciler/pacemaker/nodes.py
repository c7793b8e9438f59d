"""Reads nodes: what is declared of them, what they said last, and the attributes that rules look at."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from reconciler.model.names import NodeName
from reconciler.model.node import AgentAddress, Host, HostState, NodeKind, RemoteNode
from reconciler.model.observed import NodeStatus
from reconciler.model.rule import NodeOverride
from reconciler.pacemaker.document import Cib, Element, elements
from reconciler.pacemaker.node_states import is_leaving, judge
from reconciler.pacemaker.nvpairs import pairs
from reconciler.pacemaker.options import Options
from reconciler.pacemaker.overrides import Settings, settings_of
from reconciler.pacemaker.remotes import Declared
from reconciler.pacemaker.rules import Subject
from reconciler.pacemaker.values import boolean, duration_ms, integer

_PORT = 3121
_CONNECT_TIMEOUT_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What is declared of a node."""

    attributes: Settings = field(default_factory=lambda: Settings(always={}))
    utilization: Settings = field(default_factory=lambda: Settings(always={}))


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
    remotes: Mapping[NodeName, RemoteNode] = field(default_factory=dict)
    """Remote and guest nodes."""
    overrides: tuple[NodeOverride, ...] = ()
    """What holds at times of nodes; `hosts` and `remotes` have what holds at all others."""

    @property
    def places(self) -> tuple[NodeName, ...]:
        """Return the nodes that resources may run on."""
        return (*self.hosts, *self.remotes)


def read_nodes(cib: Cib, options: Options) -> Nodes:
    """Return the cluster nodes; those that resources make come with the resources."""
    states = {s.get("id", ""): s for s in cib.section("status") if s.tag == "node_state"}
    hosts, status, attributes, transient, found = {}, {}, {}, {}, {}
    overrides: list[NodeOverride] = []
    for node in cib.section("configuration/nodes"):
        uname, node_id = node.get("uname"), node.get("id", "")
        if uname is None or node.tag != "node":
            continue
        if node.get("type") == "remote":
            continue
        name = NodeName(uname)
        state = states.get(node_id)
        transient[name] = {} if state is None else _transient(cib, state, "instance_attributes")
        if state is not None:
            found[name] = state
        said = _said(cib, node)
        known = {
            **transient[name],
            "#uname": uname,
            "#id": node_id,
            "#kind": "cluster",
            "#is_dc": "true" if node_id == cib.root.get("dc-uuid") else "false",
            "#cluster-name": options.cluster.name,
        }
        known["#site-name"] = (said.attributes.at(cib.now) | known).get("site-name", options.cluster.name)
        attributes[name] = said.attributes.at(cib.now) | known
        if node.get("type") == "ping":
            continue
        hosts[name] = Host(
            name=name,
            where=cib.where(node),
            agent=AgentAddress(),
            state=_declared({**said.attributes.always, **known}, options),
            labels={**said.attributes.always, **known},
            capacity=_capacity(cib, said, state),
        )
        overrides += _overrides(name, said, known, options)
        judged = judge(state, attributes[name], options, cib.now)
        status[name] = NodeStatus(
            name=name,
            kind=NodeKind.HOST,
            state=judged.state,
            text=judged.text,
            is_leaving=is_leaving(attributes[name]),
            is_member=judged.is_answering,
            needs_unfencing=options.has_unfencing and attributes[name].get("#node-unfenced", "0") == "0",
            is_known=True,
        )
    order = {name: number for number, name in enumerate(states)}
    return Nodes(
        hosts=hosts,
        status=status,
        attributes=attributes,
        failures=transient,
        overrides=tuple(overrides),
        states=dict(sorted(found.items(), key=lambda item: order[item[1].get("id", "")])),
    )


def with_remotes(
    cib: Cib,
    options: Options,
    nodes: Nodes,
    declared: Mapping[NodeName, Declared],
    former: Mapping[NodeName, Declared],
) -> Nodes:
    """Return the nodes with those that resources make; their states follow from what is known of these resources.

    Args:
        cib: where they are described.
        options: of the cluster.
        nodes: the cluster nodes.
        declared: those that resources make.
        former: those that resources made: they are no places any more, and what is on record there still counts.
    """
    states = {
        str(s.get("uname") or s.get("id", "")): s for s in cib.section("status") if s.tag == "node_state"
    }
    written = {n.get("uname", ""): n for n in cib.section("configuration/nodes") if n.get("type") == "remote"}
    attributes, failures, found = dict(nodes.attributes), dict(nodes.failures), dict(nodes.states)
    remotes, overrides = dict(nodes.remotes), list(nodes.overrides)
    for name, one in {**declared, **former}.items():
        node, state = written.get(name), states.get(name)
        failures[name] = {} if state is None else _transient(cib, state, "instance_attributes")
        said = _Said() if node is None else _said(cib, node)
        kind = "container" if one.is_guest else "remote"
        known = {**failures[name], "#uname": name, "#id": name, "#kind": kind, "#is_dc": "false"}
        attributes[name] = {**said.attributes.at(cib.now), **known}
        if state is not None:
            found[name] = state
        if name in former:
            continue
        remotes[name] = RemoteNode(
            name=name,
            where=cib.where(one.element),
            agent=AgentAddress(
                address=one.address or name,
                port=integer(one.port, _PORT),
                connect_timeout_ms=duration_ms(one.connect_timeout, _CONNECT_TIMEOUT_MS),
            ),
            state=_declared({**said.attributes.always, **known}, options),
            labels={**said.attributes.always, **known},
            is_searched=_is_searched(attributes[name], options, one),
            is_reserved=one.is_in_bundle,
            capacity={} if node is None else _capacity(cib, said, state),
        )
        overrides += _overrides(name, said, known, options)
    order = {name: number for number, name in enumerate(states)}
    ordered = dict(
        sorted(found.items(), key=lambda i: order.get(str(i[1].get("uname") or i[1].get("id", "")), 0))
    )
    return replace(
        nodes,
        attributes=attributes,
        failures=failures,
        states=ordered,
        remotes=remotes,
        overrides=tuple(overrides),
    )


def _is_searched(attributes: Mapping[str, str], options: Options, node: Declared) -> bool:
    """Tell whether resources are looked for on a node; without fencing, a remote node has to be asked all the same.

    Source: Pacemaker lib/pengine/unpack.c, unpack_handle_remote_attrs.
    """
    may_be_left = node.is_guest or options.has_fencing
    return not may_be_left or boolean(attributes.get("resource-discovery-enabled"), default=True)


def whole_numbers(pairs_read: Mapping[str, str]) -> dict[str, int]:
    """Return what is needed, or there, of each kind (Pacemaker's utilization)."""
    return {name: integer(value) for name, value in pairs_read.items()}


def _transient(cib: Cib, state: Element, tag: str) -> dict[str, str]:
    blocks = [b for t in elements(state, "transient_attributes") for b in elements(t, tag)]
    return pairs(cib, blocks, Subject(now=cib.now))


def _capacity(cib: Cib, declared: _Said, state: Element | None) -> dict[str, int]:
    """Return what a node has to give at most times; what is declared wins over what it said of itself."""
    said = {} if state is None else _transient(cib, state, "utilization")
    return whole_numbers({**said, **declared.utilization.always})


def _said(cib: Cib, node: Element) -> _Said:
    subject = Subject(now=cib.now)
    return _Said(
        attributes=settings_of(cib, [elements(node, "instance_attributes")], subject),
        utilization=settings_of(cib, [elements(node, "utilization")], subject),
    )


def _overrides(
    node: NodeName, said: _Said, known: Mapping[str, str], options: Options
) -> Iterator[NodeOverride]:
    """Yield what holds of a node at times; what was set at run time, and what is known of it, goes before."""
    for one in said.attributes.conditional:
        labels = {name: text for name, text in one.pairs.items() if name not in known}
        is_asked = bool({"standby", "maintenance"} & labels.keys())
        yield NodeOverride(
            node=node,
            when=one.when,
            where=one.where,
            state=_declared({**said.attributes.always, **labels, **known}, options) if is_asked else None,
            labels=labels,
        )
    for one in said.utilization.conditional:
        yield NodeOverride(node=node, when=one.when, where=one.where, capacity=whole_numbers(one.pairs))


def _declared(attributes: Mapping[str, str], options: Options) -> HostState:
    """Return what is asked of a node; one that is shutting down takes nothing, like one in standby."""
    if options.in_maintenance or boolean(attributes.get("maintenance")):
        return HostState.MAINTENANCE
    is_off = is_leaving(attributes) or boolean(attributes.get("standby"))
    return HostState.STANDBY if is_off else HostState.ONLINE
