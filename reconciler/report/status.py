"""The status document: one JSON value that every view of the present state is made from. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reconciler.model.history import History
from reconciler.model.intent import Intent, Source
from reconciler.model.node import AddressOwner, AgentAddress, HostState, LinkReason, NodeKind, NodeState
from reconciler.model.observed import Instance, NodeStatus, Observed
from reconciler.model.problem import Problem
from reconciler.model.resource import Resource, Role
from reconciler.model.score import INFINITY
from reconciler.model.transition import Blocked, Transition
from reconciler.report.document import Document, listed
from reconciler.report.tickets import ticket_documents

_GATES = {"max-destroy"}
_LACKS_TICKET = "ticket"
_WARNINGS = {"waiting", _LACKS_TICKET, LinkReason.LEFT.value, *_GATES}
"""Codes of what needs no repair: it is waited for, or a person was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """Everything that a status is made from."""

    intent: Intent
    source: Source | None
    observed: Observed
    history: History
    transition: Transition
    problems: tuple[Problem, ...] = ()
    refused: str = ""
    """The commit that is not in force for its errors."""
    key_fingerprint: str | None = None


def status_document(present: Present) -> Document:
    """Return the status by the JSON contract."""
    source = present.source
    document: Document = {
        "cluster": present.intent.cluster.name,
        "source": {
            "commit": source.commit if source else None,
            "dirty": source.is_dirty if source else False,
            "folder": source.folder if source else None,
            "revision": source.revision if source else None,
            "refused": present.refused or None,
        },
        "nodes": _nodes(present),
        "resources": _resources(present),
        "tickets": ticket_documents(present.intent, present.history),
        "problems": _problems(present),
    }
    if present.key_fingerprint:
        document["key_fingerprint"] = present.key_fingerprint
    return document


def needs_attention(document: Document) -> bool:
    """Tell whether something declared is failed, blocked or unknown: what makes one pass exit with 1."""
    if any(problem["severity"] == "error" for problem in listed(document, "problems")):
        return True
    lost = {NodeState.UNKNOWN.value, NodeState.UNCLEAN.value}
    machines = {NodeKind.HOST.value, NodeKind.REMOTE.value}
    if any(n["kind"] in machines and n["state"] in lost for n in listed(document, "nodes")):
        return True
    # What lacks its ticket is as it should be: it is another site's turn.
    lacking = {
        p["address"].partition("/")[2] for p in listed(document, "problems") if p["code"] == _LACKS_TICKET
    }
    return any(
        _is_troubled(resource, is_wanted=resource["name"] not in lacking)
        for resource in listed(document, "resources")
        if resource["declared"]
    )


def is_gated(document: Document) -> bool:
    """Tell whether something waits for a person to let it through a gate: what makes one pass exit with 3."""
    return any(problem["code"] in _GATES for problem in listed(document, "problems"))


def _is_troubled(resource: Document, *, is_wanted: bool) -> bool:
    is_failed = any(instance["failed"] for instance in listed(resource, "instances"))
    is_blocked = is_wanted and resource["problem"] is not None
    return is_failed or resource["role"] == Role.UNKNOWN.value or is_blocked


def _nodes(present: Present) -> list[Document]:
    intent = present.intent
    nodes = []
    for host in intent.hosts.values():
        entry = _node(present.observed.nodes.get(host.name), host.name, host.kind, None)
        entry["key"] = _key(host.agent, present.observed.nodes.get(host.name))
        entry["standby"] |= host.state is HostState.STANDBY
        entry["maintenance"] = host.state is HostState.MAINTENANCE
        nodes.append(entry)
    for name, guest in intent.guest_nodes().items():
        status, remote = present.observed.nodes.get(name), guest.remote_node
        entry = _node(status, name, NodeKind.GUEST, guest.id)
        entry["key"] = _key(remote.agent if remote is not None else None, status)
        nodes.append(entry)
    return nodes


def _key(agent: AgentAddress | None, status: NodeStatus | None) -> Document | None:
    """Return the epochs of a node's derived key: as declared, and of the connection; None where no key is derived."""
    if agent is None or agent.address is None or agent.key_file is not None:
        return None
    return {"epoch": agent.key_epoch, "in_use": status.key_epoch if status is not None else None}


def _node(status: NodeStatus | None, name: str, kind: NodeKind, resource: str | None) -> Document:
    return {
        "name": name,
        "kind": kind.value,
        "state": _node_state(status),
        "reason": status.reason.value if status and status.reason else None,
        "text": status.text if status else "",
        "standby": status is not None and status.is_leaving,
        "maintenance": False,
        "resource": resource,
        "address": _address(status),
        "attributes": dict(sorted(status.attributes.items())) if status else {},
    }


def _address(status: NodeStatus | None) -> Document | None:
    if status is None or status.address is None:
        return None
    return {"confirmed": status.address.owner is AddressOwner.GUEST, "text": status.address.text}


def _node_state(status: NodeStatus | None) -> str:
    """Return a node's state; one that answers and cannot be trusted is offline, not on its way."""
    if status is None:
        return NodeState.UNKNOWN.value
    if status.state is NodeState.PENDING and status.reason is not None and status.reason.is_authentication:
        return NodeState.OFFLINE.value
    return status.state.value


def _resources(present: Present) -> list[Document]:
    blocked = _blocked_by_address(present.transition)
    entries = [_resource(present, r, blocked) for r in present.intent.resources.values()]
    removed = sorted(
        {i.resource for i in present.observed.instances.values() if i.role is not Role.STOPPED}
        - set(present.intent.resources)
    )
    for name in removed:
        instances = present.observed.instances_of(name)
        active = [i for i in instances if i.role is not Role.STOPPED]
        agent = next((str(i.started_as.agent) for i in active if i.started_as), "")
        entry = _entry(name, agent, active)
        entry["declared"] = False
        obstacle = blocked.get(f"guest/{name}") or blocked.get(f"resource/{name}")
        entry["problem"] = obstacle.text if obstacle else "no longer declared, and still there"
        entries.append(entry)
    return entries


def _resource(present: Present, resource: Resource, blocked: Mapping[str, Blocked]) -> Document:
    instances = present.observed.instances_of(resource.id)
    shown = [i for i in instances if i.role is not Role.STOPPED or _is_failed(i)]
    if resource.id in present.intent.promotable():
        shown = [replace(i, role=Role.UNPROMOTED) if i.role is Role.STARTED else i for i in shown]
    entry = _entry(resource.id, str(resource.agent), shown)
    address = f"{'guest' if resource.guest else 'resource'}/{resource.id}"
    obstacle = blocked.get(address)
    if obstacle is not None and entry["role"] == Role.STOPPED.value and obstacle.code == "waiting":
        entry["role"] = Role.UNKNOWN.value
    pending = {p.node for p in present.observed.pending if p.resource == resource.id}
    instances_shown = listed(entry, "instances")
    for instance in instances_shown:
        instance["pending"] = instance["node"] in pending
    for node in sorted(pending - {i["node"] for i in instances_shown}):
        instances_shown.append({"node": node, "role": Role.STOPPED.value, "pending": True, "failed": False})
    entry["managed"] = resource.is_managed
    counts = [f.count for (r, _), f in present.history.failures.items() if r == resource.id]
    entry["failures"] = min(sum(counts), INFINITY)
    entry["problem"] = obstacle.text if obstacle is not None else None
    return entry


def _entry(name: str, agent: str, instances: list[Instance]) -> Document:
    active = [i for i in instances if _role(i) is not Role.STOPPED]
    roles = {_role(i) for i in active}
    role = Role.STOPPED
    if Role.UNKNOWN in roles:
        role = Role.UNKNOWN
    elif roles:
        role = Role.PROMOTED if Role.PROMOTED in roles else min(roles, key=lambda r: r.value)
    return {
        "name": name,
        "agent": agent,
        "role": role.value,
        "nodes": [str(i.node) for i in active],
        "instances": [
            {"node": str(i.node), "role": _role(i).value, "pending": False, "failed": _is_failed(i)}
            for i in instances
        ],
        "declared": True,
        "managed": True,
        "failures": 0,
        "problem": None,
    }


def _role(instance: Instance) -> Role:
    """Return the role to show: what failed to start, or was found stopped, does not run."""
    failure = instance.failure
    if failure is not None and (failure.operation == "start" or failure.rc == 7):
        return Role.STOPPED
    return instance.role


def _is_failed(instance: Instance) -> bool:
    """Tell whether an instance has failed; one that merely cannot run on a node has not."""
    return instance.failure is not None and instance.role is not Role.STOPPED


def _blocked_by_address(transition: Transition) -> dict[str, Blocked]:
    return {b.address: b for b in (*transition.gates, *transition.blocked)}


def _problems(present: Present) -> list[Document]:
    found: list[Document] = [
        {"severity": p.severity, "code": p.code, "text": str(p), "address": None} for p in present.problems
    ]
    for blocked in (*present.transition.blocked, *present.transition.gates):
        severity = "warning" if blocked.code in _WARNINGS else "error"
        text = blocked.text
        found.append({"severity": severity, "code": blocked.code, "text": text, "address": blocked.address})
    return found
