"""Which agents to connect, and when; what that means for the guests behind them.

The rules:

* The agent of every host is connected, and of every guest that runs and does not stop.
* A connection that was made with a key of another epoch is made again, beside it; a revoked key's is not kept.
* After a failure to authenticate, waiting is all that is done: the guest is neither restarted nor fenced for it.
* A guest that stops in order, and whose agent is not connected, is connected first, so that what runs in it can be
  stopped before. If that fails, the guest stops all the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import AgentAddress, NodeState
from reconciler.model.transition import Blocked
from reconciler.plan.decision import Decision, Fate
from reconciler.plan.pauses import doubled, end_of_pause
from reconciler.plan.situation import Situation

MIN_RETRY_S = 30.0
"""Seconds between attempts to connect a node that cannot be trusted, or a host that does not answer."""

MAX_RETRY_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """The agents to connect."""

    now: Mapping[NodeName, int]
    """Timeouts, ms, of those to connect in this transition."""
    revoked: frozenset[NodeName]
    """Those of them whose connection is not kept until then: its key is revoked."""
    retry_at: float | None
    """Epoch seconds of the next attempt at one that is left alone for now."""
    blocked: tuple[Blocked, ...]


def wait_for_agents(situation: Situation, decisions: list[Decision]) -> list[Decision]:
    """Hold the orderly stops of guests whose agents have to be asked first."""
    return [_wait_for_agent(situation, decision) for decision in decisions]


def _wait_for_agent(situation: Situation, decision: Decision) -> Decision:
    remote = decision.resource.remote_node
    if remote is None or decision.resource.guest is None or not decision.stops or decision.is_forced:
        return decision
    status = situation.node(remote.name)
    is_asked = (
        status is None or status.needs_adoption or status.state in {NodeState.ONLINE, NodeState.OFFLINE}
    )
    if is_asked or remote.name in situation.history.connections:
        return decision
    text = f"{remote.name}'s agent is asked first what runs there"
    return replace(decision, fate=Fate.HOLD, obstacle=text, is_waiting=True)


def connections(situation: Situation, decisions: Mapping[ResourceId, Decision]) -> Connections:
    """Return the agents to connect."""
    agents: dict[NodeName, AgentAddress] = {
        host.name: host.agent
        for host in situation.intent.hosts.values()
        if host.agent is not None
        and situation.intent.cluster.policy.connects_hosts
        and host.name not in situation.fences
    }
    for node, guest in situation.guests.items():
        decision = decisions[guest.id]
        stays = bool(decision.active) and not decision.stops
        if guest.agent.is_connection:
            continue
        if guest.remote_node is not None and (stays or decision.starts):
            agents[node] = guest.remote_node.agent
    now: dict[NodeName, int] = {}
    revoked: set[NodeName] = set()
    retries: list[float] = []
    blocked: list[Blocked] = []
    for node, agent in sorted(agents.items()):
        guest_decision = decisions.get(situation.guests[node].id) if node in situation.guests else None
        is_fresh = guest_decision is not None and guest_decision.starts
        status = situation.node(node)
        epoch = status.key_epoch if status is not None else None
        has_other_key = epoch is not None and epoch != agent.key_epoch
        is_kept = situation.is_online(node) and not has_other_key
        if not is_fresh and (is_kept or situation.in_flight_on(node)):
            continue
        if epoch is not None and epoch < agent.min_key_epoch:
            revoked.add(node)
        if status is not None and status.needs_adoption and not is_fresh:
            text = f"its stock agent may be another cluster's, which would lose it; `reconcile adopt {node}` takes it"
            blocked.append(Blocked(address=f"node/{node}", text=text, code="adopt"))
            continue
        failure = situation.history.connections.get(node)
        if is_fresh or failure is None:
            now[node] = agent.connect_timeout_ms
            continue
        pause_s = doubled(MIN_RETRY_S, failure.count - 1, MAX_RETRY_S)
        blocked.append(Blocked(address=f"node/{node}", text=failure.text, code=failure.reason.value))
        retry_at = end_of_pause(failure.last_at, pause_s, situation.now)
        if retry_at is None:
            now[node] = agent.connect_timeout_ms
        else:
            retries.append(retry_at)
    return Connections(
        now=now,
        revoked=frozenset(revoked),
        retry_at=min(retries, default=None),
        blocked=tuple(blocked),
    )
