"""What one declaration hands on to the next: guests and machines that are gone from it and may still run something."""

from dataclasses import replace

from reconciler.model.history import History
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName
from reconciler.model.node import Host, HostState, NodeState
from reconciler.model.observed import Observed
from reconciler.model.resource import Role


def carried_over(history: History, before: Intent | None, after: Intent) -> History:
    """Return a history that remembers the guests and machines which one declaration has and the next has not."""
    known, machines = dict(history.former), dict(history.former_hosts)
    if before is not None:
        known |= {r.id: r for r in before.resources.values() if r.guest is not None}
        machines |= {name: host for name, host in before.hosts.items() if name in history.met}
    former = {name: r for name, r in known.items() if name not in after.resources}
    declared = {name.lower() for name in (*after.hosts, *after.remote_nodes())}
    left = {name: _emptied(host) for name, host in machines.items() if name.lower() not in declared}
    nodes = {
        *after.hosts,
        *left,
        *after.remote_nodes(),
        *(r.remote_node.name for r in former.values() if r.remote_node),
    }
    attributes = {name: a for name, a in history.attributes.items() if name in nodes}
    machines_left = {*after.hosts, *left}
    # What another site may have been granted meanwhile is not taken for ours when it is declared again.
    needed = {constraint.ticket for constraint in after.tickets}
    return replace(
        history,
        former=former,
        former_hosts=left,
        met=history.met & machines_left,
        adopted=history.adopted & machines_left,
        attributes=attributes,
        tickets={name: state for name, state in history.tickets.items() if name in needed},
    )


def in_force(intent: Intent, history: History) -> Intent:
    """Return what is asked for with the machines that are to be emptied first: what runs there runs nowhere else."""
    return replace(intent, hosts={**intent.hosts, **history.former_hosts}) if history.former_hosts else intent


def emptied(history: History, observed: Observed) -> frozenset[NodeName]:
    """Return the machines that are no longer declared and certainly run nothing of ours any more."""
    busy = {i.node for i in observed.instances.values() if i.role is not Role.STOPPED}
    busy |= {p.node for p in observed.pending}
    return frozenset(
        name
        for name, host in history.former_hosts.items()
        if name not in busy and _is_known(observed, name, host)
    )


def _emptied(host: Host) -> Host:
    """Return a machine as it is asked for until nothing runs there; one in maintenance is not touched."""
    return host if host.state is HostState.MAINTENANCE else replace(host, state=HostState.STANDBY)


def _is_known(observed: Observed, name: NodeName, host: Host) -> bool:
    """Tell whether all that runs on a machine was heard of; or that the machine is down."""
    status = observed.nodes.get(name)
    if status is None or not status.is_known:
        return False
    is_down = status.state is NodeState.OFFLINE
    return is_down or (status.state is NodeState.ONLINE and status.hypervisors >= host.libvirt.keys())
