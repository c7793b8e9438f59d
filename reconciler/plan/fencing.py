"""Which nodes have to be fenced, which are emptied for what failed on them, and which are let go.

The rules (Pacemaker Explained, "Fencing", "Operation Properties"; lib/pacemaker/pcmk_sched_fencing.c):

* A node that may still run something, and cannot be reached, is unclean. So is one on which something failed whose
  on-fail is fence. With on-fail standby the node is emptied, and so is one that asked to leave.
* An unclean node is fenced if fencing is on, something can do it, and the cluster has quorum, or ignores its loss,
  or the node is in its membership all the same. Nothing is fenced as long as nothing at all is managed.
* What ran on a node ends with its fencing: nothing has to be stopped there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import NodeState
from reconciler.model.observed import Instance, Observed
from reconciler.model.policy import QuorumPolicy
from reconciler.model.resource import OnFail, Resource
from reconciler.plan.consequences import on_fail_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The inputs of a plan with all that follows from failures for whole nodes, and the nodes to fence."""

    observed: Observed
    emptied: frozenset[NodeName]
    """The nodes that everything moves away from."""
    fences: Mapping[NodeName, str]
    """Why each node is fenced, for people."""


def judge_nodes(
    intent: Intent,
    observed: Observed,
    resources: Mapping[ResourceId, Resource],
    numbers: Mapping[tuple[ResourceId, NodeName], ResourceId],
    forfeited: Mapping[NodeName, str],
) -> Judged:
    """Return which nodes are to be fenced or emptied.

    Args:
        intent: what is declared.
        observed: the world.
        resources: all resources by the names under which nodes know them.
        numbers: the instance of a clone that a node's copy of a resource is.
        forfeited: the nodes that are to be fenced for the loss of a ticket, and why.
    """
    failed = [(i, on_fail) for i in observed.instances.values() if (on_fail := _on_fail(resources, i))]
    observed = _with_unclean(
        observed,
        {
            **forfeited,
            **{
                i.node: f"{numbers.get((i.resource, i.node), i.resource)} failed there"
                for i, f in failed
                if f is OnFail.FENCE
            },
            **_lost_remotes(resources, [i for i, f in failed if f is OnFail.RESET_REMOTE]),
        },
    )
    emptied = {i.node for i, on_fail in failed if on_fail is OnFail.STANDBY}
    emptied |= {status.name for status in observed.nodes.values() if status.is_leaving}
    return Judged(observed=observed, emptied=frozenset(emptied), fences=_fences(intent, observed))


def can_fence(intent: Intent, observed: Observed, node: NodeName | None = None) -> bool:
    """Tell whether a node could be fenced now; without a name, one that is not in the membership.

    Source: Pacemaker lib/pengine/utils.c, pe_can_fence.
    """
    status = observed.nodes.get(node) if node is not None else None
    is_ours = status is not None and (status.is_member or status.state is NodeState.ONLINE)
    policy = intent.cluster.policy
    has_say = observed.has_quorum or policy.on_quorum_loss is QuorumPolicy.IGNORE or is_ours
    if not policy.has_fencing or not has_say:
        return False
    return policy.has_watchdog or any(r.agent.is_fencing for r in intent.resources.values())


def _on_fail(resources: Mapping[ResourceId, Resource], instance: Instance) -> OnFail | None:
    """Return what the failure of an instance leads to; None if it has not failed."""
    resource, failure = resources.get(instance.resource), instance.failure
    if resource is None or failure is None or not resource.is_managed:
        return None
    return on_fail_of(resource, failure)


def _with_unclean(observed: Observed, why: Mapping[NodeName, str]) -> Observed:
    """Take nodes on which something failed beyond remedy for unclean."""
    nodes = dict(observed.nodes)
    for node, text in sorted(why.items()):
        status = nodes.get(node)
        if status is not None and status.state in {NodeState.ONLINE, NodeState.OFFLINE}:
            is_member = status.is_member or status.state is NodeState.ONLINE
            nodes[node] = replace(status, state=NodeState.UNCLEAN, text=text, is_member=is_member)
    return replace(observed, nodes=nodes) if why else observed


def _lost_remotes(
    resources: Mapping[ResourceId, Resource], connections: list[Instance]
) -> dict[NodeName, str]:
    """Return the remote nodes whose connection failed in a way that asks for them to be fenced."""
    found = {}
    for instance in connections:
        remote = resources[instance.resource].remote_node
        if remote is not None:
            found[remote.name] = "remote connection is unrecoverable"
    return found


def _fences(intent: Intent, observed: Observed) -> dict[NodeName, str]:
    unclean = [s for s in observed.nodes.values() if s.state is NodeState.UNCLEAN and s.name in intent.hosts]
    is_any_managed = any(r.is_managed for r in intent.resources.values())
    if not unclean or not is_any_managed:
        return {}
    return {s.name: s.text or "node is unclean" for s in unclean if can_fence(intent, observed, s.name)}
