"""Scores of one resource on each node by all that concerns it alone, before colocation.

The rules, in words:

* A guest runs on hosts whose declaration names a hypervisor of its type; everything else on hosts with an agent
  and on guest nodes. What becomes a node itself never runs on a guest node.
* What is in a bundle runs on its own node there, however it scores; nothing else runs on these nodes.
* Without constraints every such node scores 0; in an asymmetric cluster only nodes that a constraint names have a
  score, and whatever has none is banned. Location constraints add up, and so does the health of nodes.
  If any is exclusive, the nodes that none of the exclusive ones names are banned.
* A constraint on a clone counts for all its instances. One on a group counts for its first member alone, whom the
  others follow; for these it makes nodes possible.
* A node where a resource runs, and runs nowhere else, gets its stickiness on top.
* A node is banned on which it failed as often as its limit allows, or once beyond cure, or once if the
  operation's on-fail says so; failures whose on-fail is ignore count for nothing. Instances that are not unique
  are banned all together, and so is all that their clone consists of.
"""

from dataclasses import replace
from typing import Literal

from reconciler.model.history import FailureCount
from reconciler.model.names import NodeName
from reconciler.model.node import NodeKind
from reconciler.model.resource import OnFail, Resource
from reconciler.plan.consequences import on_fail_of
from reconciler.plan.situation import Situation, hypervisor_type

Scores = dict[NodeName, int]

Reach = Literal["hosts", "machines", "all"]
"""Hosts; they and remote nodes; they and guests."""


def possible_nodes(situation: Situation, resource: Resource) -> tuple[NodeName, ...]:
    """Return the nodes that could run a resource at all, whatever their state, sorted."""
    if resource.only_on:
        return resource.only_on
    kind = (resource.guest.type if resource.guest is not None else None, reach_of(situation, resource))
    found = situation.index.possible.get(kind)
    if found is None:
        found = situation.index.possible[kind] = tuple(sorted(_possible(situation, resource)))
    return found


def _possible(situation: Situation, resource: Resource) -> list[NodeName]:
    intent = situation.intent
    if resource.guest is not None:
        return [h.name for h in intent.hosts.values() if hypervisor_type(h, resource)]
    machines = [h for h in intent.hosts.values() if h.agent is not None]
    reach = reach_of(situation, resource)
    if reach == "hosts":
        return [m.name for m in machines if m.kind is NodeKind.HOST]
    guests = {
        r.remote_node.name: r
        for r in intent.resources.values()
        if r.remote_node is not None and not r.remote_node.is_reserved
    }
    is_remote = {n: g.agent.is_connection and g.container is None for n, g in guests.items()}
    found = [n for n in guests if reach == "all" or is_remote[n]]
    return [*(m.name for m in machines), *found]


def reach_of(situation: Situation, resource: Resource) -> Reach:
    """Return on which nodes something could be: nothing that makes a node runs in a guest.

    A bundle's container may run on a remote node (Pacemaker lib/pengine/bundle.c); else only hosts run what makes
    nodes, or fences.
    """
    if resource.agent.is_connection or resource.agent.is_fencing:
        return "hosts"
    made = resource.remote_node or situation.node_made_by(resource.id)
    if made is None:
        return "all"
    return "machines" if made.is_reserved else "hosts"


def ban_of(situation: Situation, resource: Resource, node: NodeName) -> str | None:
    """Return why failures ban a resource from a node, or None."""
    instance = situation.instance(resource.id, node)
    last = instance.failure if instance is not None else None
    if last is not None:
        on_fail = on_fail_of(resource, last)
        if on_fail is OnFail.IGNORE:
            return None
        if on_fail is OnFail.BAN:
            return f"{last.operation} failed on {node}: {last.text}; onFail is migrate"
        if last.is_hard:
            return f"{last.operation} failed on {node} beyond cure: {last.text}"
    failure = live_failure(situation, resource, node)
    if failure is None:
        return None
    if failure.is_fatal:
        return f"{failure.operation} failed on {node}: {failure.text}"
    if resource.failure_limit and failure.count >= resource.failure_limit:
        return f"failed {failure.count} times on {node}, last {failure.operation}: {failure.text}"
    return None


def live_failure(situation: Situation, resource: Resource, node: NodeName) -> FailureCount | None:
    """Return a resource's failures on a node that are not forgotten yet; a container's with those of what is in it."""
    own, contents = _live(situation, resource, node), situation.contents.get(resource.id)
    if not contents:
        return own
    inside = [_live(situation, part, node) for part in contents]
    found = [f for f in (own, *inside) if f is not None]
    if len(found) < 2:
        return found[0] if found else None
    last = max(found, key=lambda f: f.last_at)
    return replace(last, count=sum(f.count for f in found))


def _live(situation: Situation, resource: Resource, node: NodeName) -> FailureCount | None:
    failure = situation.history.failures.get((resource.known_as, node))
    if failure is None:
        return None
    expires_at = failure_expiry(resource, failure)
    return None if expires_at is not None and situation.now >= expires_at else failure


def failure_expiry(resource: Resource, failure: FailureCount) -> float | None:
    """Return when failures are forgotten, epoch seconds; None: never."""
    return failure.last_at + resource.failure_timeout_ms / 1000 if resource.failure_timeout_ms else None
